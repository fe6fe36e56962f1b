"""A mail server for one test. Its settings are the one argument, its events go to standard output, both as JSON."""

import asyncio
import base64
import json
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult


def tell(**event):
    print(json.dumps(event), flush=True)


class Handler:
    def __init__(self, settings):
        self.settings = settings
        self.replies = list(settings["replies"])

    async def handle_RCPT(self, server, session, envelope, address, options):
        envelope.rcpt_tos.append(address)
        if address == self.settings["hangs_for"]:
            tell(event="hangs")
            await asyncio.sleep(3600)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        reply = self.replies.pop(0) if self.replies else "250 OK"
        auth = session.auth_data
        tell(
            event="mail",
            reply=reply,
            tls=server.transport.get_extra_info("ssl_object") is not None,
            user=auth.decode() if auth else None,
            sender=envelope.mail_from,
            recipients=envelope.rcpt_tos,
            content=base64.b64encode(envelope.content).decode(),
        )
        return reply


async def main():
    settings = json.loads(sys.argv[1])
    context = None
    if settings["certificate"]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(settings["certificate"], settings["key"])
    starts_tls = context if settings["tls"] == "starttls" else None

    def authenticator(server, session, envelope, mechanism, data):
        right = [data.login.decode(), data.password.decode()] == settings["credentials"]
        tell(event="sign-in", right=right)
        return AuthResult(success=right, handled=False, auth_data=data.login)

    handler = Handler(settings)

    def connected():
        return SMTP(
            handler,
            hostname="mail.test",
            tls_context=starts_tls,
            require_starttls=starts_tls is not None,
            authenticator=authenticator,
            auth_required=settings["credentials"] is not None,
            # aiosmtpd knows only of STARTTLS; TLS from the first byte is not refused by it.
            auth_require_tls=starts_tls is not None,
        )

    implicit = context if settings["tls"] == "implicit" else None
    server = await asyncio.get_running_loop().create_server(connected, "127.0.0.1", settings["port"], ssl=implicit)
    tell(event="ready", port=server.sockets[0].getsockname()[1])
    await server.serve_forever()


asyncio.run(main())
