"""Corporate actions: their effect on the quantities, basis and dates of lots. Pure.

A new kind of action begins with its row in `kinds`, which names its fields, cash and order.

    split              quantity * ratio, exactly; basis and dates stay (IRC 307, 1223(4)). Cash in
                       lieu: the fraction of a share is sold for it (Rev. Rul. 66-365)
    stock dividend     shares of the same class for those held; not income if no holder could choose
                       cash (IRC 305(a)). The basis is spread over old and new shares, dates stay
                       (IRC 307(a), 1223(4)). For another class, record a spin-off
    spin-off           the child takes its percentage of each lot's basis and the lot's dates
                       (IRC 358(b), 1223(1)); the child's shares were received, not bought
    merger for stock   quantity * ratio of the new, basis and dates stay (IRC 354, 358)
    merger for cash    a sale
    stock and cash     gain up to the cash is recognized, a loss is not (IRC 356(a) and (c));
                       basis new = old - cash + recognized gain (IRC 358(a)(1))
    exchange offer     a merger of the shares that were tendered; the others stay
    symbol change      lots and open losses move to the new symbol, unchanged
    return of capital  lowers the basis of each share; the excess over it is gain (IRC 301(c))
    rights issue       like a spin-off of the rights. If worth less than 15 % of the shares, they
                       have no basis unless the holder elects it (IRC 307(b)). Otherwise the
                       percentage is their value over that of rights and shares (Reg. 1.307-1)
    exercise           the rights leave without gain. The basis of the new shares is the price paid
                       and the rights' basis; they are held from the day of exercise (IRC 1223(5))

    nothing held       no error: a split recorded late, or after all were sold, changes no lot.
                       Cash for shares that have left is gain on basis 0, long or short as they
                       were. Only units stated in all are refused: they belong to no lot. An
                       exercise needs its rights

Worked example: 100 shares bought for 5,000.00, 100 rights, no election: the rights have basis 0.
Four rights and 40.00 buy a share: 25 shares for 1,000.00 have basis 1,000.00. With 10 % elected the
rights take a basis of 500.00, and the 25 shares have basis 1,500.00.

Wash sales: an exercise is a purchase; the other actions are not. A loss that awaits replacement
shares is counted in new shares after a split.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from core.errors import Conflict
from core.money import minor_unit
from transactions.ledger.book import Book, Event, purchase_key
from transactions.ledger.lots import Closing, Piece, taken_from
from transactions.ledger.units import scaled, share, spread


class NoFraction(Conflict):
    """Cash in lieu was stated, but the event leaves no fraction of a share."""

    status = 400
    code = "cash_in_lieu_without_fraction"


def split(book: Book, event: Event) -> None:
    """Multiply every lot by the ratio; rescale waiting losses once for the household."""
    ratio = rescaling(event)
    _rescale(book, event, ratio)
    pieces = book.at((event.account, event.asset))
    for piece in pieces:
        piece.quantity = scaled(piece.quantity, ratio)
    if pieces:
        _cash_in_lieu(book, event, event)
    else:
        _late_cash(book, event)


def stock_dividend(book: Book, event: Event) -> None:
    """Add shares to every lot; its basis and dates stay."""
    if _on_nothing(book, event):
        if event.ratio is not None:
            _rescale(book, event, rescaling(event))
        return
    pieces = book.held(event)
    held = [piece.quantity for piece in pieces]
    if event.ratio is not None:
        added = [scaled(quantity, event.ratio) for quantity in held]
    else:
        added = spread(book.scale.steps(event.units), held)
    _rescale(book, event, Fraction(sum(held) + sum(added), sum(held)))
    for piece, more in zip(pieces, added, strict=True):
        piece.quantity += more
    _cash_in_lieu(book, event, event)


def rescaling(event: Event) -> Fraction:
    """Return the new units for one old one of an event that states a ratio."""
    return 1 + event.multiple if event.type == "stock_dividend" else event.multiple


def _rescale(book: Book, event: Event, ratio: Fraction) -> None:
    """Rescale the losses that wait for replacement shares, and shares held elsewhere, once."""
    stated, first = book.splits.stated(
        asset=event.asset, day=event.at.toordinal(), ratio=ratio, account=event.account
    )
    book.washes.split(event.asset, stated, account=None if first else event.account)
    if first and event.ratio is not None:
        for pieces in book.elsewhere.values():
            for piece in pieces:
                if piece.place[1] == event.asset:
                    piece.quantity = scaled(piece.quantity, ratio)


def _on_nothing(book: Book, event: Event) -> bool:
    """Return whether nothing is held that the event could change, and book its cash if so.

    What is stated for each share is then nothing. Units received in all must come from somewhere,
    so an event that states them is left to `held`, which refuses it.
    """
    if book.at((event.account, event.asset)) or event.quantity is not None:
        return False
    _late_cash(book, event)
    return True


def _late_cash(book: Book, event: Event) -> None:
    """Book cash for shares that have left: gain on basis 0, by the term they had (IRC 301(c)(3)).

    Shares that left last are those it is paid for. Raises NothingHeld if none ever did.
    """
    if not event.net:
        return
    place = (event.account, event.asset)
    if place not in book.left:
        book.held(event)
        return
    left_at, pieces = book.left[place]
    parts = spread(book.cents(event), [piece.quantity for piece in pieces])
    for number, (piece, part) in enumerate(zip(pieces, parts, strict=True)):
        closing = _cash_closing(event, piece, number, proceeds=part, basis=0)
        closing.place, closing.sold_date = place, left_at.date()
        book.closings.append(closing)


def spin_off(book: Book, event: Event) -> None:
    """Add the child's shares beside the parent's; each lot takes its part of the basis."""
    if _on_nothing(book, event):
        return
    parents = book.held(event)
    held = [piece.quantity for piece in parents]
    if event.ratio is not None:
        shares = [scaled(quantity, event.ratio) for quantity in held]
    else:
        shares = spread(book.scale.steps(event.units), held)
    fraction = event.basis_fraction
    total = share(sum(piece.basis for piece in parents), fraction.numerator, fraction.denominator)
    weights = [piece.basis for piece in parents]
    taken = spread(total, weights) if any(weights) else [0] * len(parents)
    children = []
    for piece, quantity, basis in zip(parents, shares, taken, strict=True):
        adjustment = share(piece.adjustment, fraction.numerator, fraction.denominator)
        piece.basis -= basis
        piece.adjustment -= adjustment
        if quantity:
            children.append(_received(piece, quantity, basis, adjustment))
        else:
            piece.basis += basis
            piece.adjustment += adjustment
    book.put((event.account, event.successor), children)
    _cash_in_lieu(book, event, _of_new(event), children)


def merger(book: Book, event: Event) -> None:
    """Replace every share held by shares of the successor, cash, or both."""
    if _on_nothing(book, event):
        return
    pieces = book.held(event)
    if event.new_asset is None:
        everything = sum(piece.quantity for piece in pieces)
        sale = book.sale(event, quantity=everything, net=book.cents(event))
        book.close([((event.account, event.asset), sale)])
        return
    old = list(pieces)
    pieces.clear()
    _exchanged(book, event, old)


def exchange_offer(book: Book, event: Event) -> None:
    """Replace the shares that were tendered, chosen by a lot method or by name, like a merger."""
    sale = book.sale(event, quantity=book.scale.steps(event.units), net=0)
    _exchanged(book, event, taken_from(pieces=book.held(event), sale=sale))


def _exchanged(book: Book, event: Event, old: list[Piece]) -> None:
    """Put shares of the successor in the place of pieces that left, with boot or cash in lieu."""
    ratio = event.multiple
    book.leave((event.account, event.asset), event.at, old)
    for piece in old:
        piece.gone = True
    if event.unit_value is not None and event.net:
        _boot(book, event, old, ratio)
    received = [
        _received(piece, scaled(piece.quantity, ratio), piece.basis, piece.adjustment)
        for piece in old
    ]
    book.put((event.account, event.successor), received)
    if event.unit_value is None:
        _cash_in_lieu(book, event, _of_new(event), received)


def symbol_change(book: Book, event: Event) -> None:
    """Move every lot and every waiting loss to the new symbol."""
    pieces = book.at((event.account, event.asset))
    moving = list(pieces)
    pieces.clear()
    book.put((event.account, event.successor), moving)
    book.washes.renamed(event.asset, event.successor)


def return_of_capital(book: Book, event: Event) -> None:
    """Take the cash off the basis of each share; the excess is gain by the lot's holding period."""
    if _on_nothing(book, event):
        return
    pieces = book.held(event)
    parts = spread(book.cents(event), [piece.quantity for piece in pieces])
    number = 0
    for piece, part in zip(pieces, parts, strict=True):
        off = min(piece.basis, part)
        piece.basis -= off
        if part > off:
            book.closings.append(_cash_closing(event, piece, number, proceeds=part - off, basis=0))
            number += 1


def exercise(book: Book, event: Event) -> None:
    """Turn rights and money into new shares: a purchase that adds the rights' basis."""
    quantity = book.scale.steps(event.units)
    used = book.sale(event, quantity=scaled(quantity, 1 / event.multiple), net=0)
    rights = taken_from(pieces=book.held(event), sale=used)
    piece = Piece(
        event.id,
        purchase_key(
            account=event.account, asset=event.asset, at=event.at, order_id=event.order_id
        ),
        event.at,
        event.at.date(),
        quantity,
        book.cents(event) + sum(right.basis for right in rights),
        (event.account, event.successor),
        stated=(event.units, event.stated),
    )
    book.put(piece.place, [piece])
    book.washes.purchased(piece, book)


def _boot(book: Book, event: Event, old: list[Piece], ratio: Fraction) -> None:
    """Recognize gain up to the cash received beside the successor's shares, lot by lot."""
    assert event.unit_value is not None, "boot is measured against the value of the new shares"
    value = Fraction(event.unit_value) / Fraction(minor_unit(book.currencies[event.account]))
    for number, (piece, cash) in enumerate(
        zip(old, spread(book.cents(event), [piece.quantity for piece in old]), strict=True)
    ):
        new_shares = Fraction(scaled(piece.quantity, ratio), book.scale.one)
        received = cash + round(new_shares * value)
        recognised = max(0, min(received - piece.basis, cash))
        basis = cash - recognised
        assert 0 <= basis <= piece.basis, "boot takes no more basis than there is"
        piece.basis -= basis
        book.closings.append(_cash_closing(event, piece, number, proceeds=cash, basis=basis))


def _cash_in_lieu(
    book: Book, event: Event, sold: Event, received: Sequence[Piece] | None = None
) -> None:
    """Sell the fraction of a share that an event leaves, if cash was paid for it.

    `received`: the new shares, of which the fraction is one: it has their basis and holding period,
    not those of shares held before. If they are whole, the fraction is what is held in all.
    """
    if not event.net:
        return
    place = (sold.account, sold.asset)
    fraction = sum(piece.quantity for piece in received or ()) % book.scale.one
    among = list(received or ()) if fraction else None
    if not fraction:
        fraction = sum(piece.quantity for piece in book.at(place)) % book.scale.one
    if not fraction:
        raise NoFraction(
            f"The event of {event.at.date()} leaves whole shares only, but cash in lieu pays for a "
            "fraction. Remove the cash, or correct the ratio.",
            fields={"amount": ["is given, but no fraction of a share is left"]},
        )
    sale = book.sale(sold, quantity=fraction, net=book.cents(event))
    book.close([(place, sale)], among=among)


def _of_new(event: Event) -> Event:
    method = "fifo" if event.method == "specific" else event.method
    return replace(event, asset=event.successor, method=method, chosen=())


def _received(piece: Piece, quantity: int, basis: int, adjustment: int) -> Piece:
    """Return the shares received for `piece`: the same lot and dates, but not a purchase."""
    return replace(
        piece,
        quantity=quantity,
        basis=basis,
        adjustment=adjustment,
        purchase=False,
        gone=False,
        listed=False,
    )


def _cash_closing(event: Event, piece: Piece, part: int, *, proceeds: int, basis: int) -> Closing:
    """Return a closing of zero shares, which books cash on shares that stay."""
    return Closing(
        event.id,
        part,
        piece.place,
        piece.acquisition,
        piece.purchase_key,
        piece.opened_at,
        piece.held_since,
        event.at,
        0,
        proceeds,
        basis,
        0,
        stated=piece.stated,
    )


STEPS: Mapping[str, Callable[[Book, Event], None]] = {
    step.__name__: step
    for step in (
        *(
            split,
            stock_dividend,
            spin_off,
            merger,
            exchange_offer,
            symbol_change,
            return_of_capital,
        ),
        exercise,
    )
}
