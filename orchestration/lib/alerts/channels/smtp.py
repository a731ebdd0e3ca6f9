"""E-mail over SMTP: text and HTML, with the pictures in it."""

from __future__ import annotations

import smtplib
import socket
import ssl
from contextlib import suppress
from email.message import EmailMessage
from email.utils import formatdate

from orchestration.lib.alerts.outcome import Channel, Later, Outcome, Refused, Sent, lost
from orchestration.lib.alerts.picture import picture
from orchestration.lib.alerts.store import Message
from orchestration.lib.alerts.words import html, plain
from orchestration.lib.config_alerting import EmailSettings

_MOST_PICTURES = 8


def email(settings: EmailSettings, timeout: float) -> Channel:
    """Sends each message to the one address that its receiver names, so that no address waits for another."""
    who = f"the mail server {settings.smtp_server}"

    def send(message: Message) -> Outcome:
        mail = as_mail(message, settings.sender)
        server: smtplib.SMTP | None = None
        try:
            # Its own name without the look-up of a domain, which may take long.
            server = smtplib.SMTP(
                settings.smtp_server, settings.smtp_port, local_hostname=socket.gethostname(), timeout=timeout
            )
            if settings.starttls:
                server.starttls(context=ssl.create_default_context())
            if settings.user and settings.password:
                server.login(settings.user, settings.password.get_secret_value())
            server.send_message(mail)
        except smtplib.SMTPRecipientsRefused as error:
            return _of_code(next(iter(error.recipients.values()))[0], f"{who} refuses the recipient")
        except smtplib.SMTPAuthenticationError as error:
            return _of_code(error.smtp_code, f"{who} refuses the user or the password")
        except smtplib.SMTPResponseException as error:
            return _of_code(error.smtp_code, f"{who} refuses")
        except smtplib.SMTPNotSupportedError:
            return Refused(f"{who} offers no STARTTLS, or no way to log in that is known")
        except ssl.SSLCertVerificationError as error:
            return Later(f"the certificate of {who} is not trusted ({error.verify_message})")
        except (smtplib.SMTPException, OSError) as error:
            return lost(error, who, timeout)
        finally:
            # It has been taken, or not: what a server says to a good-bye does not change it.
            if server is not None:
                with suppress(smtplib.SMTPException, OSError):
                    server.quit()
                server.close()
        return Sent()

    return send


def _of_code(code: int, what: str) -> Outcome:
    """4xx passes, says SMTP, and 5xx does not. What the server says may hold anything, and is left out."""
    reason = f"{what}: SMTP {code}"
    return Refused(reason) if code >= 500 else Later(reason)


def as_mail(message: Message, sender: str) -> EmailMessage:
    """The mail to the address of a message. Its Message-ID is the same each time, by which mail programs show it once."""
    mail = EmailMessage()
    mail["Subject"] = "".join(letter for letter in message.subject if letter.isprintable())[:200]
    mail["From"], mail["To"] = sender, message.receiver.partition(":")[2]
    mail["Date"] = formatdate()
    mail["Message-ID"] = f"<{message.message_id}@{sender.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    shown = [alert for alert in message.alerts if alert.figure][:_MOST_PICTURES]
    names = {alert.alert_id: f"picture{number}@{message.message_id}" for number, alert in enumerate(shown)}
    mail.set_content(plain(message))
    mail.add_alternative(html(message, {alert_id: f"cid:{name}" for alert_id, name in names.items()}), subtype="html")
    page = mail.get_payload()[1]  # type: ignore[index]
    for alert in shown:
        if alert.figure:
            page.add_related(picture(alert.figure), "image", "png", cid=f"<{names[alert.alert_id]}>")  # type: ignore[union-attr]
    return mail
