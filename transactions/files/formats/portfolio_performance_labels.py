"""The words Portfolio Performance writes in its CSV files, by language. Pure.

English, German, French, Spanish, Italian, Dutch and Portuguese: the export is in the language of
the program. Case and spaces are ignored in comparisons.
"""

from collections.abc import Mapping, Sequence

COLUMNS: Mapping[str, Sequence[str]] = {
    "date": ("Date", "Datum", "Fecha", "Data"),
    "time": ("Time", "Uhrzeit", "Heure", "Hora", "Ora", "Tijd"),
    "type": ("Type", "Typ", "Tipo"),
    "value": ("Value", "Wert", "Valeur", "Valor", "Valore", "Waarde"),
    "currency": (
        *("Transaction Currency", "Buchungswährung", "Devise de l'opération"),
        *("Moneda de la transaccioón", "Moneda de la transacción", "Valuta Operazione"),
        *("Transactievaluta", "Moeda da Transação"),
    ),
    "gross": (
        *("Gross Amount", "Bruttobetrag", "Montant brut", "Cantidad bruta", "Importo Lordo"),
        *("Brutobedrag", "Valor Bruto"),
    ),
    "gross_currency": (
        *("Currency Gross Amount", "Währung Bruttobetrag", "Montant brut en devise"),
        *("Cantidad bruta de moneda", "Importo lordo valuta", "Valuta brutobedrag"),
        "Valor Bruto em Moeda",
    ),
    "rate": (
        *("Exchange Rate", "Wechselkurs", "Taux de change", "Tipo de cambio"),
        *("Tasso di cambio", "Wisselkoers", "Taxa de Câmbio"),
    ),
    "fee": ("Fees", "Gebühren", "Frais", "Comisiones", "Commissioni", "Kosten", "Taxas"),
    "tax": ("Taxes", "Steuern", "Impôts / Taxes", "Impuestos", "Tasse", "Belastingen", "Impostos"),
    "quantity": ("Shares", "Stück", "Parts", "Acciones", "Azioni", "Aandelen", "Quantidade"),
    "isin": ("ISIN",),
    "wkn": ("WKN",),
    "symbol": (
        *("Ticker Symbol", "Ticker-Symbol", "Symbole boursier", "Símbolo del Ticker"),
        *("Simbolo Titolo", "Tickersymbool", "Símbolo da Ação"),
    ),
    "name": (
        *("Security Name", "Wertpapiername", "Nom du titre", "Nombre del activo"),
        *("Nome Titolo", "Naam effect", "Nome do Ativo"),
    ),
    "note": ("Note", "Notiz", "Nota", "Opmerking"),
    "cash_account": (
        *("Cash Account", "Konto", "Compte espèces", "Cuenta", "Conto di cassa"),
        *("Geldrekening", "Conta Caixa", "Account"),
    ),
    "other_cash_account": (
        *("Offset Account", "Gegenkonto", "Compte de compensation", "Cuenta de contrapartida"),
        *("Conto di compensazione", "Tegenrekening", "Conta Compensada"),
    ),
    "securities_account": (
        *("Securities Account", "Depot", "Compte-titres", "Cuenta de valores", "Conto titoli"),
        *("Effectenrekening", "Conta de Ativos", "Portfolio"),
    ),
    "other_securities_account": (
        *("Offset securities account", "Gegendepot", "Cuenta de valores compensados"),
        *("Conto titoli di compensazione", "Offset effectenrekening"),
        "Conta de Valores Compensados",
    ),
}

TYPES: Mapping[str, Sequence[str]] = {
    "buy": ("Buy", "Kauf", "Achat", "Compra", "Koop", "Comprar"),
    "sell": ("Sell", "Verkauf", "Vente", "Venta", "Vendi", "Verkoop", "Vender"),
    "deposit": ("Deposit", "Einlage", "Dépôt", "Depósito", "Deposita", "Deposito", "Storting"),
    "withdrawal": (
        *("Removal", "Withdrawal", "Entnahme", "Retrait", "Retirada", "Rimozione", "Prelievo"),
        *("Opname", "Levantamento"),
    ),
    "dividend": ("Dividend", "Dividends", "Dividende", "Dividendes", "Dividendo"),
    "interest": ("Interest", "Zinsen", "Intérêts", "Intereses", "Interesse", "Rente", "Juros"),
    "interest_charge": (
        *("Interest Charge", "Zinsbelastung", "Frais d'Intérêts", "Cargo intereses"),
        *("Interesse passivo", "Rentekosten", "Encargos de Juros"),
    ),
    "fee": ("Fees", "Gebühren", "Frais", "Comisiones", "Commissioni", "Kosten", "Comissões"),
    "fee_refund": (
        *("Fees Refund", "Gebührenerstattung", "Remboursement de Frais"),
        *("Devolución comisiones", "Rimborso commissioni", "Terugbetaling kosten"),
        "Reembolso de Comissões",
    ),
    "tax": ("Taxes", "Steuern", "Impôts / Taxes", "Impuestos", "Tasse", "Belastingen", "Impostos"),
    "tax_refund": (
        *("Tax Refund", "Steuerrückerstattung", "Remboursement Impôts / Taxes"),
        *("Devolución impuestos", "Rimborso tasse", "Terugbetaling belastingen"),
        "Reembolso de Impostos",
    ),
    "transfer_in": (
        *("Transfer (Inbound)", "Umbuchung (Eingang)", "Transfert (Entrant)"),
        *("Transferencia (Entrada)", "Trasferimento (in entrata)", "Overboeking (inkomend)"),
        "Transferência (Entrada)",
    ),
    "transfer_out": (
        *("Transfer (Outbound)", "Umbuchung (Ausgang)", "Transfert (Sortant)"),
        *("Transferencia (Salida)", "Trasferimento (in uscita)", "Overboeking (uitgaand)"),
        "Transferência (Saída)",
    ),
    "delivery_in": (
        *("Delivery (Inbound)", "Einlieferung", "Distribution (Entrante)", "Entrega (Entrada)"),
        *("Trasferimento Titoli (in entrata)", "Levering (inkomend)", "Entrega (Inbound)"),
    ),
    "delivery_out": (
        *("Delivery (Outbound)", "Auslieferung", "Distribution (Sortante)", "Entrega (Salida)"),
        *("Trasferimento Titoli (in uscita)", "Levering (uitgaand)", "Entrega (Outbound)"),
    ),
}
