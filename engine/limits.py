"""Every limit of a node, in one file, with the relations between them asserted.

A limit is met while reading input or before deciding, never half way through a change.
"""

NS_PER_SECOND = 1_000_000_000

# Identifiers and text
ID_LENGTH_MAX = 64
TEXT_LENGTH_MAX = 500
IDEMPOTENCY_KEY_LENGTH_MAX = 255

# Quantities and money
QUANTITY_MAX = 1_000_000_000
MINOR_MAX = 1_000_000_000_000
BALANCE_MAX = 2**62
PRICE_MAX = 100_000_000  # what a rule may add for a node, in minor units
UNIT_PRICE_MAX = 100_000  # what a rule may add for a unit
OVERRIDES_MAX = 100
RULES_MAX = 1_000
PRICE_STEPS_MAX = 100  # prices of one SKU in one list, by quantity
QUOTE_VOUCHERS_MAX = 20
ORDER_DISCOUNTS_MAX = 100
ORDER_PAYMENTS_MAX = 100

# Lines
MOVEMENT_LINES_MAX = 1_000
MOVEMENTS_BULK_MAX = 20  # movements in one request, each of up to MOVEMENT_LINES_MAX lines
RESERVATION_LINES_MAX = 1_000
RESERVATION_BATCH_MAX = 1_000
ORDER_LINES_MAX = 1_000
ORDER_HOLDS_MAX = 20
SOURCE_AGAIN_NODES_MAX = 1_000
ORDER_CHANGES_MAX = 100  # proposed, confirmed and declined ones of an order
PARCELS_MAX = 500
PICK_LIST_MAX = 200  # fulfilments in one walk
PICK_LISTS_ENDED_KEPT = 1_000  # ended ones that can still be read
CONFIGURATION_ENTRIES_MAX = 100_000
CONFIGURATION_RECORD_ENTRIES = 200  # a document with more of them is applied by several records
CONFIGURATION_FAULTS_MAX = 100  # that one refusal tells
INBOUND_LINES_MAX = 1_000
TRANSFER_LINES_MAX = 1_000
TRANSFERS_ENDED_KEPT = 1_000  # ended ones that can still be read
STATEMENTS_KEPT = 100_000  # cancellations of marketplaces whose order has not come
LOOSE_RETURNS_KEPT = 1_000  # returns without an order that can still be read
INBOUND_ENDED_KEPT = 1_000  # ended ones that can still be read; older ones are only in the journal

# Lifetimes
SECONDS_MAX = 366 * 86_400  # of any time that is counted in seconds
COLLECT_SECONDS_DEFAULT = 7 * 86_400  # how long goods wait for who picks them up
RESERVATION_TTL_SECONDS_MAX = 86_400
RESERVATION_TTL_SECONDS_DEFAULT = 900
STATED_AHEAD_SECONDS_MAX = 2 * 86_400  # how far a marketplace's clock may be ahead
IDEMPOTENCY_KEPT_NS = 24 * 3_600 * NS_PER_SECOND
IDEMPOTENCY_MARK_NS = 60 * NS_PER_SECOND

# The writer
QUEUE_COMMANDS_MAX = 20_000
BATCH_COMMANDS_MAX = 512
BATCH_BYTES_MAX = 32 * 1024  # of requests, beyond the first: nobody else is answered while a batch is decided
EXPIRY_SWEEP_MAX = 1_000
DEADLINES_PER_BATCH_MAX = 200
LOOKS_PER_BATCH_MAX = 200  # at orders and reservations that wait, as units may be free for them
KEYS_FORGOTTEN_MAX = 10_000
CLOSED_PENDING_MAX = 500  # nobody is answered while they are put on disk: some milliseconds
CLOSED_PENDING_REPLAY_MAX = 2_000  # nobody waits, and fewer commits are quicker

# Inbound that is later than this is promised to nobody until it has another date
INBOUND_OVERDUE_NS = 24 * 3_600 * NS_PER_SECOND

# Calendars
AVAILABILITY_STORES_MAX = 50  # that one answer tells about
PREPARATION_MINUTES_MAX = 1_440  # of a pickup, counted while the node is open
CALENDAR_DATES_MAX = 2_000  # of one calendar: more than a century of holidays
CALENDAR_COUNTRIES_MAX = 300
CALENDAR_DAYS_MAX = 400  # this many days without a working day: the node never works

# Sourcing: how hard an order is looked at before the best plan found is taken, with its bound (a unit is about 40 µs)
SOURCING_LINES_PROVEN = 10
SOURCING_EFFORT = 6_000
SOURCING_EFFORT_MANY_LINES = 300

# Derived caches (dropping them changes no answer)
COST_CACHE_MAX = 4_096
COST_CACHE_NODES_MAX = 2_000_000  # terms x nodes; about 80 bytes each

# HTTP
HEADER_BYTES_MAX = 32 * 1024
HEADERS_MAX = 100
BODY_BYTES_MAX = 8 * 1024 * 1024
LANE_BODY_BYTES_MAX = 64 * 1024  # larger bodies take the slower lane
KEEP_ALIVE_SECONDS = 75
BODY_SECONDS_MAX = 10
LIST_LIMIT_DEFAULT = 50
LIST_LIMIT_MAX = 500
LIST_SLICE_LINES = 500  # lines of orders that are looked at before others are answered
LIST_SLICES_MAX = 40  # of one page: it then ends early, with a cursor
KEPT_SCAN_MAX = 2_000  # transfers, inbounds and the like that one page looks at, however few of them it shows
JOURNAL_SCAN_RECORDS_MAX = 100_000
JOURNAL_PAGE_POSTINGS_MAX = 20_000  # that one page shows: it then ends early, with a cursor
FEED_SCAN_RECORDS_MAX = 500
SLICE_SECONDS = 0.003  # of one request's long work before others are answered
SIMULATION_RECORDS_MAX = 200_000
CONNECTIONS_MAX = 4_096
RETRY_AFTER_SECONDS = 1
STOP_SECONDS_MAX = 10

assert RESERVATION_LINES_MAX <= ORDER_LINES_MAX <= MOVEMENT_LINES_MAX
assert BATCH_COMMANDS_MAX <= QUEUE_COMMANDS_MAX
assert RESERVATION_BATCH_MAX <= QUEUE_COMMANDS_MAX
assert QUANTITY_MAX * MOVEMENT_LINES_MAX < BALANCE_MAX
assert LIST_LIMIT_DEFAULT <= LIST_LIMIT_MAX
assert RESERVATION_TTL_SECONDS_DEFAULT <= RESERVATION_TTL_SECONDS_MAX
assert LIST_LIMIT_MAX <= LIST_SLICE_LINES  # a page of small orders is one slice
