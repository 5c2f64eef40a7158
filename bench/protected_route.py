"""Two routes of FastAPI, with and without the caller's identity, by LIBRARY (authfort_postgresql, or authfort)."""

import importlib
import os
from contextlib import asynccontextmanager

from fastapi import Depends, FastAPI

AuthFort = importlib.import_module(os.environ["LIBRARY"]).AuthFort
auth = AuthFort(os.environ["DATABASE_URL"])


@asynccontextmanager
async def lifespan(app):
    await auth.migrate()
    yield


# authfort's own database has been prepared, and the library of Debian 12 knows no lifespan
app = FastAPI(lifespan=lifespan) if hasattr(auth, "migrate") else FastAPI()
app.include_router(auth.fastapi_router(), prefix="/auth")


@app.get("/open")
async def open_route():
    return {"email": "bench@example.com"}


@app.get("/protected")
async def protected(user=Depends(auth.current_user)):
    return {"email": user.email}
