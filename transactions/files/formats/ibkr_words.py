"""The words of Interactive Brokers' activity statements, in their languages. Pure.

English, German, French and Spanish. A Spanish statement calls both units and amounts `Cantidad`.
"""

from collections.abc import Mapping, Sequence

COLUMNS: Mapping[str, Sequence[str]] = {
    "level": ("DataDiscriminator",),
    "asset_class": (
        *("Asset Category", "Anlagekategorie", "Vermögenswertkategorie", "Catégorie d'actifs"),
        *("Catégorie d’actifs", "Categoría de activo"),
    ),
    "account": ("Account", "Konto", "Compte", "Cuenta"),
    "currency": ("Currency", "Währung", "Devise", "Divisa"),
    "symbol": ("Symbol", "Symbole", "Símbolo"),
    "datetime": ("Date/Time", "Datum/Zeit", "Date/Heure", "Fecha/Hora"),
    "date": (
        *("Date", "Settle Date", "Datum", "Abrechnungsdatum", "Date de règlement"),
        *("Fecha", "Fecha de liquidación"),
    ),
    "quantity": ("Quantity", "Menge", "Quantité", "Cantidad"),
    "price": ("T. Price", "T.-Kurs", "Transaktionskurs", "Prix Trans.", "Precio trans."),
    "proceeds": ("Proceeds", "Erlös", "Produit", "Produits", "Productos"),
    "commission": (*("Comm/Fee", "Provision/Gebühr", "Prov./Gebühr", "Comm/Tarif", "Tarifa/com."),),
    "notes": ("Code", "Código"),
    "description": ("Description", "Beschreibung", "Descripción"),
    "amount": ("Amount", "Betrag", "Montant"),
    "field": ("Field Name", "Feldname", "Nom champ", "Nombre del campo"),
    "value": ("Field Value", "Feldwert", "Valeur champ", "Valor del campo"),
}
# Sections of other languages -> those of an English statement.
SECTIONS: Mapping[str, str] = {
    **dict.fromkeys(("transaktionen", "transactions", "operaciones"), "trades"),
    **dict.fromkeys(
        (
            *("einzahlungen & auszahlungen", "ein- und auszahlungen", "dépôts et retraits"),
            *("dépôts & retraits", "depósitos y retiradas", "depósitos y retiros"),
        ),
        "deposits & withdrawals",
    ),
    **dict.fromkeys(("dividenden", "dividendes", "dividendos"), "dividends"),
    **dict.fromkeys(
        (
            *("ersatzzahlungen für dividenden", "paiement tenant lieu de dividendes"),
            "pago en lugar de dividendos",
        ),
        "payment in lieu of dividends",
    ),
    **dict.fromkeys(
        ("quellensteuer", "retenue à la source", "retenues à la source", "retención de impuestos"),
        "withholding tax",
    ),
    **dict.fromkeys(("zinsen", "intérêts", "intérêt", "intereses", "interés"), "interest"),
    **dict.fromkeys(("gebühren", "frais", "tarifas"), "fees"),
    **dict.fromkeys(
        ("transaktionsgebühren", "frais de transaction", "tarifas de transacción"),
        "transaction fees",
    ),
    **dict.fromkeys(
        ("kapitalmaßnahmen", "opérations sur titres", "acciones corporativas"),
        "corporate actions",
    ),
    **dict.fromkeys(
        (
            *("kontoinformation", "kontoinformationen", "informations sur le compte"),
            *("information sur le compte", "información sobre la cuenta"),
            "información de la cuenta",
        ),
        "account information",
    ),
}
CLASSES: Mapping[str, str] = {
    **dict.fromkeys(("stocks", "aktien", "actions", "acciones"), "STK"),
    **dict.fromkeys(("bonds", "anleihen", "obligations", "bonos"), "BOND"),
    **dict.fromkeys(("forex", "devisen", "devises", "divisas"), "CASH"),
    **dict.fromkeys(("mutual funds", "fonds communs de placement", "fondos de inversión"), "FUND"),
    "etfs": "ETF",
    "treasury bills": "BILL",
    **dict.fromkeys(("cryptocurrencies", "criptomonedas", "cryptomonnaies"), "CRYPTO"),
    **dict.fromkeys(("cfds", "cfd"), "CFD"),
}
# How the description of interest says that it was paid.
PAID = ("debit interest", "sollzinsen", "intérêts débiteurs", "intereses deudores")
SIGNATURES = [
    {"statement", "header", "field name", "field value"},
    {"trades", "header", "datadiscriminator", "asset category"},
    {"statement", "header", "feldname", "feldwert"},
    {"transaktionen", "header", "datadiscriminator", "anlagekategorie"},
    {"statement", "header", "nom champ", "valeur champ"},
    {"transactions", "header", "datadiscriminator", "catégorie d'actifs"},
    {"transactions", "header", "datadiscriminator", "catégorie d’actifs"},
    {"statement", "header", "nombre del campo", "valor del campo"},
    {"operaciones", "header", "datadiscriminator", "categoría de activo"},
]
