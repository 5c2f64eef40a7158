"""The application of the document, with the two names that it leaves to its reader."""

import json
import os

import seed_app
from fastapi import HTTPException


async def send_email(**mail):
    with open(os.environ["MAIL_FILE"], "a") as file:
        print(json.dumps(mail), file=file)


seed_app.HTTPException = HTTPException
seed_app.send_email = send_email
app = seed_app.app
