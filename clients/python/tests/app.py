"""An application that the tests run: the package, and rows behind row-level security."""

import asyncio
import os

from authfort_postgresql import AuthFort, CookieConfig, UserResponse
from fastapi import APIRouter, Depends, FastAPI, Request, WebSocket

auth = AuthFort(
    os.environ["APP_URL"],
    admin_database_url=os.environ["ADMIN_URL"],
    cookie=CookieConfig(),
    pool_size=2,
    pool_timeout=float(os.environ.get("POOL_TIMEOUT", "20")),
    fetch_allow=["127.0.0.0/8", "::1/128"] if "FETCH_CAFILE" in os.environ else [],
    fetch_cafile=os.environ.get("FETCH_CAFILE"),
)
app = FastAPI()
auth.install_fastapi(app, prefix=os.environ.get("PREFIX", "/auth"))
notes = APIRouter()


@notes.get("/profile")
async def profile(user: UserResponse = Depends(auth.current_user)):
    return user


@notes.post("/profile")
async def changed(user: UserResponse = Depends(auth.current_user)):
    return {"id": user.id}


@notes.get("/public")
async def public():
    return {}


@notes.get("/notes")
async def read(user: UserResponse = Depends(auth.current_user)):
    async with auth.transaction(user) as db:
        rows = await (await db.execute("SELECT body FROM note ORDER BY id")).fetchall()
    return [row[0] for row in rows]


@notes.get("/notes-of-request")
async def read_by_request(request: Request):
    async with auth.transaction(request) as db:
        rows = await (await db.execute("SELECT body FROM note ORDER BY id")).fetchall()
    return [row[0] for row in rows]


@notes.get("/notes-of-no-one")
async def read_as_no_one():
    async with auth.transaction(None) as db:
        rows = await (await db.execute("SELECT body FROM note ORDER BY id")).fetchall()
    return [row[0] for row in rows]


@notes.post("/notes", status_code=201)
async def write(body: str, user: UserResponse = Depends(auth.current_user)):
    async with auth.transaction(user) as db:
        await db.execute("INSERT INTO note (body) VALUES (%s)", (body,))
    return {}


@notes.get("/broken")
async def broken(user: UserResponse = Depends(auth.current_user)):
    async with auth.transaction(user) as db:
        await db.execute("INSERT INTO note (body) VALUES ('never')")
        raise ValueError("a mistake of the application")


@notes.get("/hold")
async def hold(seconds: float, user: UserResponse = Depends(auth.current_user)):
    async with auth.transaction(user) as db:
        await db.execute("SELECT pg_sleep(%s)", (seconds,))
    return {}


@notes.get("/hurry")
async def hurry(user: UserResponse = Depends(auth.current_user)):
    """Is cancelled while a statement runs."""
    try:
        async with asyncio.timeout(0.05), auth.transaction(user) as db:
            await db.execute("SELECT pg_sleep(5)")
    except TimeoutError:
        return {"cancelled": True}


@notes.websocket("/socket")
async def socket(websocket: WebSocket, user: UserResponse = Depends(auth.current_user)):
    await websocket.accept()
    await websocket.send_json({"email": user.email})
    await websocket.close()


app.include_router(notes)
