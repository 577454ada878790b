// SPDX-License-Identifier: LGPL-2.1-or-later
import org.jctools.queues.MpmcUnboundedXaddArrayQueue;

/** JCTools 3 and newer have it. */
final class JcToolsXadd extends Fifo {
    JcToolsXadd(int unused) {
        super(new MpmcUnboundedXaddArrayQueue<>(1024));
    }
}
