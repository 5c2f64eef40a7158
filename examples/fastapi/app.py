"""A to-do list: FastAPI in front, identity and rows in PostgreSQL.

DATABASE_URL='dbname=todo user=todo_app' uvicorn app:app
"""
import os
from contextlib import asynccontextmanager

import psycopg
from fastapi import FastAPI, HTTPException, Request, Response
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb
from psycopg_pool import AsyncConnectionPool
from pydantic import BaseModel

pool = AsyncConnectionPool(os.environ.get("DATABASE_URL", ""), open=False)


@asynccontextmanager
async def lifespan(_):
    async with pool:
        yield


app = FastAPI()
app.router.lifespan_context = lifespan  # FastAPI(lifespan=lifespan) from FastAPI 0.93 on


# /auth: authfort answers, this only carries the request to it and the answer back.
@app.api_route("/auth/{path:path}", methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
@app.get("/.well-known/jwks.json")
async def auth(request: Request):
    headers = Jsonb([{name: value} for name, value in request.headers.items()])
    try:
        body = (await request.body()).decode() or None
        async with pool.connection() as db:
            answer = await db.execute(
                "SELECT status, headers, body FROM authfort.http(%s, %s, %s, %s, %s, %s)",
                (request.method, request.scope["raw_path"].decode(), request.url.query or None,
                 headers, body, request.client.host))
            status, headers, body = await answer.fetchone()
    except (UnicodeError, psycopg.DataError):  # no UTF-8, or a zero byte
        raise HTTPException(400)
    response = Response(body, status)
    for header in headers:
        for name, value in header.items():
            response.headers.append(name, value)
    return response


@asynccontextmanager
async def as_caller(request: Request):
    """A transaction under the identity of the request's sender."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        token = request.cookies.get("access_token", "")
    async with pool.connection() as connection, connection.cursor(row_factory=dict_row) as db:
        if token:
            try:
                await db.execute("SELECT authfort.set_jwt(%s), authfort.current_user()", (token,))
            except psycopg.errors.InvalidAuthorizationSpecification as error:
                raise HTTPException(401, error.diag.message_detail, {"WWW-Authenticate": 'Bearer error="invalid_token"'})
        yield db


class Todo(BaseModel):
    title: str


@app.get("/todo")
async def todos(request: Request):
    async with as_caller(request) as db:
        return await (await db.execute("SELECT id, title, done FROM todo ORDER BY id")).fetchall()


@app.post("/todo", status_code=201)
async def add_todo(request: Request, todo: Todo):
    try:
        async with as_caller(request) as db:
            return await (await db.execute("INSERT INTO todo (title) VALUES (%s) RETURNING id, title, done",
                                           (todo.title,))).fetchone()
    except (psycopg.errors.NotNullViolation, psycopg.errors.InsufficientPrivilege):
        raise HTTPException(401, "token_missing", {"WWW-Authenticate": "Bearer"})  # without an identity, the row has no owner
