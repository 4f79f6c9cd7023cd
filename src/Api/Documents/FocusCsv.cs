// Records as a table of FOCUS 1.2, the shape in which finance tools take the bills of all vendors: a charge is a record.
using System.Globalization;
using System.Text;
using System.Text.Json;
using NodaTime;
using NodaTime.Text;
using Purser.Api.Json;
using Purser.Core;
using Purser.Engine;

namespace Purser.Api.Documents;

/// <summary>
/// All columns that FOCUS 1.2 demands of everybody, those of what is consumed and of tags, and those of Purser's own, whose names begin
/// with `x_`. Periods are in UTC: a charge is of the hour in which its call was, on the bill of its month.
/// </summary>
static class FocusCsv
{
    /// <summary>Stands in columns that FOCUS wants filled, where the record has no value.</summary>
    const string NotSaid = "not said";

    const string Unit = "Tokens";

    static readonly (string Name, bool IsText, Func<AccountRecord, string?> Value)[] columns =
    [
        ("BilledCost", false, one => Money.Format(one.Record.Amounts.CostNanos)),
        ("BillingAccountId", true, one => one.Account), ("BillingAccountName", true, one => one.Account),
        ("BillingCurrency", true, one => one.Record.Currency),
        ("BillingPeriodEnd", false, one => Time(Month(one.Record.At).PlusMonths(1))),
        ("BillingPeriodStart", false, one => Time(Month(one.Record.At))),
        ("ChargeCategory", false, one => IsCredit(one) ? "Credit" : "Usage"),
        ("ChargeClass", false, one => IsCorrection(one) ? "Correction" : null),
        ("ChargeDescription", true, Description), ("ChargeFrequency", false, one => IsCredit(one) ? "One-Time" : "Usage-Based"),
        ("ChargePeriodEnd", false, one => Time(Hour(one.Record.At).PlusHours(1))),
        ("ChargePeriodStart", false, one => Time(Hour(one.Record.At))),
        ("ConsumedQuantity", false, one => IsCredit(one) ? null : Number(one.Record.Amounts.Tokens)),
        ("ConsumedUnit", false, one => IsCredit(one) ? null : Unit),
        ("ContractedCost", false, one => Money.Format(one.Record.Amounts.CostNanos)),
        ("EffectiveCost", false, one => Money.Format(one.Record.Amounts.CostNanos)),
        ("InvoiceIssuerName", true, Provider),
        ("ListCost", false, one => Money.Format(one.Record.Amounts.CostNanos + one.Record.DiscountNanos)),
        ("PricingCategory", false, one => IsCredit(one) ? null : "Standard"),
        ("PricingQuantity", false, one => IsCredit(one) ? null : Number(one.Record.Amounts.Tokens)),
        ("PricingUnit", false, one => IsCredit(one) ? null : Unit),
        ("ProviderName", true, Provider), ("PublisherName", true, Provider), ("RegionId", true, one => one.Record.Usage.Region),
        ("ServiceCategory", false, _ => "AI and Machine Learning"), ("ServiceName", true, Provider),
        ("ServiceSubcategory", false, _ => "Generative AI"), ("SkuId", true, Model),
        ("SubAccountId", true, one => Call(one).Orchestrator), ("SubAccountName", true, one => Call(one).Orchestrator),
        ("Tags", true, one => JsonSerializer.Serialize(Call(one).Tags ?? [], ApiJson.Default.SortedDictionaryStringString)),
        ("x_RecordId", true, one => one.Record.Id), ("x_Timestamp", false, one => InstantPattern.ExtendedIso.Format(one.Record.At)),
        ("x_Kind", false, one => JsonNamingPolicy.CamelCase.ConvertName(one.Record.Kind.ToString())),
        ("x_Corrects", true, one => one.Record.Corrects), ("x_User", true, one => Call(one).User),
            ("x_Tenant", true, one => Call(one).Tenant),
        ("x_Session", true, one => Call(one).Session), ("x_Tool", true, one => Call(one).Tool),
        ("x_InputTokens", false, one => Number(one.Record.Amounts.InputTokens)),
        ("x_OutputTokens", false, one => Number(one.Record.Amounts.OutputTokens)),
        ("x_Requests", false, one => Number(one.Record.Amounts.Requests)), ("x_PriceVersion", true, one => one.Record.PriceVersion),
        ("x_Unpriced", false, one => one.Record.Unpriced ? "true" : "false"),
        ("x_ReportedCost", false, one => one.Record.ReportedNanos is { } reported ? Money.Format(reported) : null),
    ];

    public static string Header { get; } = string.Join(',', columns.Select(column => column.Name)) + "\r\n";

    public static void Append(StringBuilder line, AccountRecord one)
    {
        for (var i = 0; i < columns.Length; i++)
        {
            if (i > 0) line.Append(',');
            Csv.Append(line, columns[i].Value(one), columns[i].IsText);
        }
        line.Append("\r\n");
    }

    static bool IsCredit(AccountRecord one) => one.Record.Kind == RecordKind.Credit;

    /// <summary>In FOCUS a correction is what changes a bill of a month that is over.</summary>
    static bool IsCorrection(AccountRecord one) =>
        one.Record.Corrects is not null && !IsCredit(one) && Month(one.Record.BookedAt) > Month(one.Record.At);

    static string Description(AccountRecord one) => one.Record.Reason is { Length: > 0 } reason ? reason : string.Create(
        CultureInfo.InvariantCulture,
            $"{Model(one)}: {one.Record.Amounts.InputTokens} input and {one.Record.Amounts.OutputTokens} output tokens");

    static string Provider(AccountRecord one) => one.Record.CanonicalProvider ?? Call(one).Provider ?? NotSaid;

    static string Model(AccountRecord one) => one.Record.CanonicalModel ?? Call(one).Model ?? NotSaid;

    static Dimensions Call(AccountRecord one) => one.Record.Usage.Dimensions;

    static LocalDateTime Hour(Instant at)
    {
        var local = at.InUtc().LocalDateTime;
        return local.Date.At(new LocalTime(local.Hour, 0));
    }

    static LocalDateTime Month(Instant at)
    {
        var date = at.InUtc().Date;
        return new LocalDate(date.Year, date.Month, 1).AtMidnight();
    }

    static string Time(LocalDateTime at) => LocalDateTimePattern.GeneralIso.Format(at) + "Z";

    static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);
}
