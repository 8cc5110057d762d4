"""`python -m tests.bench.mysql_clients PORT USER PASSWORD`: ten clients that write and read `bench.accounts`, ten
times a second each.
"""

from __future__ import annotations

import sys
import threading
import time

import pymysql


def client(port: int, user: str, password: str, number: int) -> None:
    connection = pymysql.connect(
        host="127.0.0.1", port=port, user=user, password=password, autocommit=True, database="bench"
    )
    with connection.cursor() as cursor:
        while True:
            cursor.execute("update accounts set balance = balance + 1 where id = %s", (number,))
            cursor.execute("select sleep(0.05), balance from accounts where id = %s", (number,))
            cursor.fetchall()
            time.sleep(0.05)


def main() -> None:
    port, user, password = sys.argv[1:]
    for number in range(10):
        threading.Thread(target=client, args=(int(port), user, password, number)).start()


if __name__ == "__main__":
    main()
