// SPDX-License-Identifier: LGPL-2.1-or-later
import java.util.concurrent.ConcurrentHashMap;

/** A map of strings. */
final class StringMap extends Peer {
    private final ConcurrentHashMap<String, Long> map = new ConcurrentHashMap<>();

    StringMap(int expected) {}

    @Override
    void fill(String[] keys) {
        long number = 0;
        for (String key : keys) {
            map.put(key, ++number);
        }
    }

    @Override
    long run(Task task) {
        long sum = 0;
        for (String key : task.strings) {
            Long value = map.get(key);
            if (value != null) {
                sum += value;
            }
        }
        return sum;
    }
}
