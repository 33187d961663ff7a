"""The commands of the command line, by what they work on.

asking              the kept helper of a server: it forks for every question about the past
backups             `kontor backup` and `kontor restore`
benches             `kontor bench`: the suite, where it is installed
calendars           `kontor calendars`: calendars of public holidays, as dates
checkpoints         `kontor checkpoint`: signed checkpoints of the chain, to be kept off the host
client              a small HTTP client for the command line: JSON in, JSON out, problems as clear errors
data                commands on a data directory or a server: serve, apply, journal
demo                `kontor demo`: a server with an example shop, and a month of real orders through its HTTP API
export              `kontor export`: the money books for other programs
items               `kontor items import`: items from a table
key_backups         `kontor backup-keys` and `kontor restore-keys`
keys                `kontor key`: API keys
main                the `kontor` command: one group, commands in their own files
nodes               `kontor nodes-from-csv`: a table of stores as a document for `kontor apply`
openapi             `kontor openapi`: the API as a document
options             options that several commands share
prices              `kontor prices import`: prices from a table
progress            progress of long work, on stderr: a bar on a terminal, nothing for machines
replay              `kontor replay`: the rehearsal, in process or over HTTP
snapshots           `kontor snapshot`: ask a running server for one, or make one of a directory
sourcing            `kontor sourcing`: which locations serve an order, without a server
sourcing_check      `kontor sourcing check`: every recorded decision made once more, with its stock and rules
sourcing_instances  orders to source as text: one JSON object a line in, one answer a line out
sourcing_simulate   `kontor sourcing simulate`: what would have been under another policy
state               `kontor state`: what was, at any moment
stock               `kontor stock import`: stock movements from a table
tables              what imports share: reading a table, telling its errors
verify              `kontor verify`: does everything hold together?
"""
