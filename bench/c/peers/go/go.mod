// SPDX-License-Identifier: LGPL-2.1-or-later

module concurrency.bench/peers

go 1.24
