"""A to-do list: FastAPI in front, identity and rows in PostgreSQL.

DATABASE_URL='dbname=todo user=todo_app' ADMIN_DATABASE_URL='dbname=todo user=todo_admin' uvicorn app:app
"""

import os
from contextlib import asynccontextmanager

from authfort_postgresql import AuthFort, UserResponse
from fastapi import Depends, FastAPI
from psycopg.rows import dict_row
from pydantic import BaseModel

auth = AuthFort(os.environ["DATABASE_URL"], admin_database_url=os.environ["ADMIN_DATABASE_URL"])


@asynccontextmanager
async def lifespan(app):
    await auth.check()
    yield
    await auth.dispose()


app = FastAPI(lifespan=lifespan)
auth.install_fastapi(app)


class Todo(BaseModel):
    title: str


@app.get("/todo")
async def todos(user: UserResponse = Depends(auth.current_user)):
    # the policy lets the transaction see the caller's rows
    async with auth.transaction(user) as connection, connection.cursor(row_factory=dict_row) as db:
        return await (await db.execute("SELECT id, title, done FROM todo ORDER BY id")).fetchall()


@app.post("/todo", status_code=201)
async def add_todo(todo: Todo, user: UserResponse = Depends(auth.current_user)):
    async with auth.transaction(user) as connection, connection.cursor(row_factory=dict_row) as db:
        added = "INSERT INTO todo (title) VALUES (%s) RETURNING id, title, done"
        return await (await db.execute(added, (todo.title,))).fetchone()


@app.get("/users", dependencies=[Depends(auth.require_role("admin"))])
async def users():
    return {"users": await auth.get_user_count()}
