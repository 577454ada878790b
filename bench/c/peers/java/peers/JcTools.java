// SPDX-License-Identifier: LGPL-2.1-or-later
import org.jctools.maps.NonBlockingHashMapLong;
import org.jctools.queues.MpmcArrayQueue;

/** Those of JCTools that have long been there. */
final class JcTools {
    private JcTools() {}

    static final class Hash extends IntMap {
        private final NonBlockingHashMapLong<Long> map = new NonBlockingHashMapLong<>();

        Hash(int expected) {}

        @Override
        long get(long key) {
            Long value = map.get(key);
            return value == null ? 0 : value;
        }

        @Override
        void set(long key, long value) {
            map.put(key, (Long) value);
        }

        @Override
        void delete(long key) {
            map.remove(key);
        }

        @Override
        void add(long key) {
            Long old;
            do {
                old = map.get(key);
                if (old == null) {
                    old = map.putIfAbsent(key, (Long) 1L);
                    if (old == null) {
                        return;
                    }
                }
            } while (!map.replace(key, old, (Long) (old + 1)));
        }
    }

    static final class Array extends Fifo {
        Array(int capacity) {
            super(new MpmcArrayQueue<>(capacity));
        }
    }
}
