"""The language of fact: what happened, in the past tense. This is what is journalled.

access         what happened to API keys
configuration  what master data became
inbound        what happened to goods on their way to a node
maintenance    what a server did of its own accord
missing        what follows from promised units that a node says are not there
money          what orders cost, frozen when they are placed, and what customers get back of it
moving         what happened to work that somebody gave to another node
orders         what happened to orders, fulfilments and returns
picking        what happened to pick lists
postings       the posting: units moving from one account to another
pricing        what prices, taxes and promotions became
providers      what is asked of payment providers, and what became of it
records        the record: what is journalled of one command
reservations   what happened to reservations
sourcing       what a sourcing decision leaves in the fact it led to: by which rules, at what cost
stock          what happened to stock outside of reservations and orders
transfers      what happened to goods on their way from one node to another
"""

from engine.facts import (
    access,
    configuration,
    inbound,
    maintenance,
    missing,
    money,
    moving,
    orders,
    picking,
    pricing,
    providers,
    reservations,
    stock,
    transfers,
)

Fact = (
    access.Fact
    | configuration.Fact
    | inbound.Fact
    | maintenance.Fact
    | missing.Fact
    | money.Fact
    | moving.Fact
    | orders.Fact
    | picking.Fact
    | pricing.Fact
    | providers.Fact
    | reservations.Fact
    | stock.Fact
    | transfers.Fact
)
