-- PostgreSQL's image runs this once, when its volume is new. It creates `ledger` itself: POSTGRES_DB names it.
CREATE DATABASE mlflow;
