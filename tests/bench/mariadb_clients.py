"""`python -m tests.bench.mariadb_clients PORT`: ten clients that write and read, ten times a second each."""

from __future__ import annotations

import sys
import threading
import time

import pymysql


def client(port: int, number: int) -> None:
    connection = pymysql.connect(host="127.0.0.1", port=port, user="root", autocommit=True, database="bench")
    with connection.cursor() as cursor:
        while True:
            cursor.execute("update accounts set balance = balance + 1 where id = %s", (number,))
            cursor.execute("select sleep(0.05), balance from accounts where id = %s", (number,))
            cursor.fetchall()
            time.sleep(0.05)


def main() -> None:
    port = int(sys.argv[1])
    with pymysql.connect(host="127.0.0.1", port=port, user="root", autocommit=True) as connection:
        cursor = connection.cursor()
        cursor.execute("create database bench")
        cursor.execute("create table bench.accounts (id int primary key, balance int)")
        cursor.executemany("insert into bench.accounts values (%s, 0)", [(n,) for n in range(10)])
    threads = [threading.Thread(target=client, args=(port, n)) for n in range(10)]
    for thread in threads:
        thread.start()


if __name__ == "__main__":
    main()
