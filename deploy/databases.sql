-- Run once, by PostgreSQL's image, when its volume is new. `ledger` is there by then: POSTGRES_DB names it.
CREATE DATABASE mlflow;
