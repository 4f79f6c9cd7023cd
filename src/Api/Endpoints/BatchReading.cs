// Reads the lines of a batch: each names an operation and its account, and has the body that the operation takes.
using System.Buffers;
using System.Text.Json;
using Purser.Api.Access;
using Purser.Api.Documents;
using Purser.Api.Json;
using Purser.Core;

namespace Purser.Api.Endpoints;

sealed class BatchReading(Caller caller)
{
    public const string Operations = "check, reserve, extend, settle, release, recordUsage, addOverride";

    static readonly string[] names = Operations.Split(", ");

    /// <summary>How much of a refusal the budget keeps.</summary>
    const int LongestDetail = 500;

    long number;

    public BatchLine TooLong(string detail) =>
        new(++number) { Refused = new(new(OutcomeStatus.Invalid, null, null, detail)) { Problem = Problems.TooLarge } };

    /// <summary>The line; null where it is empty, which is counted and not answered.</summary>
    public BatchLine? Take(in ReadOnlySequence<byte> bytes)
    {
        number++;
        ReadOnlySpan<byte> line = bytes.IsSingleSegment ? bytes.FirstSpan : bytes.ToArray();
        line = line.Trim(" \t\r"u8);
        if (line.IsEmpty) return null;
        try
        {
            return Of(line);
        }
        catch (RequestRefusedException refused)
        {
            return new(number) { Refused = refused };
        }
        catch (JsonException malformed)
        {
            return new(number) { Refused = new(Problems.Of(new JsonException(null, malformed))) };
        }
    }

    BatchLine Of(ReadOnlySpan<byte> json)
    {
        BatchParts parts;
        try
        {
            parts = Parts(json);
        }
        catch (InvalidOperationException)
        {
            throw RequestRefusedException.Invalid(null, "the line is not valid Unicode: it has half of a surrogate pair");
        }
        var operation = parts.Operation ?? throw RequestRefusedException.Invalid("operation", $"is required: one of {Operations}");
        var account = parts.Account ?? throw RequestRefusedException.Invalid("account", "is required");
        if (!Validity.IsAccountId(account))
            throw RequestRefusedException.Invalid("account", "must be 1 to 200 letters, digits and . _ - : @, and not only dots");
        var needed = RightOf(operation);
        if (!caller.May(needed))
            throw new RequestRefusedException(
                new(OutcomeStatus.Invalid, null, "operation", $"this needs the right {Rights.Listed(needed)}"))
            {
                Problem = Problems.Forbidden,
            };
        if (!caller.Sees(account)) throw Caller.Unknown(account);
        if (parts.Reservation is not null && operation is not ("extend" or "settle" or "release"))
            throw RequestRefusedException.Invalid("reservation", "belongs to extend, settle and release");
        var body = parts.Body.IsEmpty && operation == "release" ? "{}"u8
            : parts.Body.IsEmpty ? throw RequestRefusedException.Invalid("body", "is required: what the operation takes alone")
                : parts.Body;
        return operation switch
        {
            "check" => Line(account, Estimate(body).ToCheck()),
            "reserve" => Line(account, Reserve(Estimate(body)), StatusCodes.Status201Created),
            "extend" => Line(account, Extend(Held(parts), Body.ReadLine(body, ApiJson.Default.EstimateDocument))),
            "settle" => Settle(account, Held(parts), body),
            "release" => Line(account, Release(Held(parts), body)),
            "recordUsage" => Line(account, Recorded(Body.ReadLine(body, ApiJson.Default.UsageDocument)), StatusCodes.Status201Created),
            _ => Override(account, Body.ReadLine(body, ApiJson.Default.NewOverrideDocument)),
        };
    }

    static Right RightOf(string operation) => operation switch
    {
        "check" => Right.Check | Right.Hold,
        "reserve" or "extend" or "settle" or "release" => Right.Hold,
        "recordUsage" => Right.Record,
        "addOverride" => Right.Override,
        _ => throw RequestRefusedException.Invalid("operation", $"must be one of {Operations}"),
    };

    BatchLine Line(string account, BudgetCommand command, int status = StatusCodes.Status200OK) =>
        new(number) { Account = account, Command = command, StatusWhenDone = status };

    static CallEstimate Estimate(ReadOnlySpan<byte> body) =>
        QuickBodies.Estimate(body) ?? Body.ReadLine(body, ApiJson.Default.EstimateDocument).ToCall();

    static Reserve Reserve(CallEstimate estimate) => estimate.ToReserve(Given(estimate.Id));

    static Extend Extend(string reservation, EstimateDocument estimate) => estimate.ToExtend(reservation, Given(estimate.Id));

    static Record Recorded(UsageDocument usage) => usage.ToRecord(Given(usage.Id));

    static Release Release(string reservation, ReadOnlySpan<byte> body)
    {
        Body.ReadLine(body, ApiJson.Default.NothingDocument);
        return new(reservation);
    }

    BatchLine Override(string account, NewOverrideDocument asked)
    {
        _ = Given(asked.Id);
        return new(number) { Account = account, Override = asked, StatusWhenDone = StatusCodes.Status201Created };
    }

    /// <summary>A body that nobody can book belongs to a call that was made: the hold is told so, and is charged when it runs
    /// out.</summary>
    BatchLine Settle(string account, string reservation, ReadOnlySpan<byte> body)
    {
        try
        {
            var usage = QuickBodies.Settlement(body) ?? Body.ReadLine(body, ApiJson.Default.SettleDocument).ToCall();
            if (!usage.Final) _ = Given(usage.Id);
            return Line(account, usage.ToSettle(reservation, usage.Id));
        }
        catch (RequestRefusedException refused) when (refused.Outcome.Status is OutcomeStatus.Invalid or OutcomeStatus.Unprocessable)
        {
            var detail = refused.Outcome.Detail is { Length: > LongestDetail } longer ? longer[..LongestDetail] : refused.Outcome.Detail;
            return new(number)
            {
                Account = account, Command = new RefuseSettle(reservation, refused.Outcome.Field, detail), Refused = refused,
            };
        }
    }

    static string Held(in BatchParts parts) => parts.Reservation is { Length: > 0 } reservation ? reservation
        : throw RequestRefusedException.Invalid("reservation", "is required: the id of the reservation");

    /// <summary>Without an id of its caller a line that is sent again would count twice.</summary>
    static RequestId Given(string? id) => id is not null ? new(id, Fresh: false)
        : throw RequestRefusedException.Invalid("id", "is required in a batch: a line that is sent again would count twice without it");

    readonly ref struct BatchParts(string? operation, string? account, string? reservation, ReadOnlySpan<byte> body)
    {
        public string? Operation { get; } = operation;
        public string? Account { get; } = account;
        public string? Reservation { get; } = reservation;
        public ReadOnlySpan<byte> Body { get; } = body;
    }

    static BatchParts Parts(ReadOnlySpan<byte> json)
    {
        if (!System.Text.Unicode.Utf8.IsValid(json)) throw RequestRefusedException.Invalid(null, "the line is not valid UTF-8");
        var reader = new Utf8JsonReader(json);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            throw RequestRefusedException.Invalid(null, "a line must be a JSON object");
        string? operation = null, account = null, reservation = null;
        ReadOnlySpan<byte> body = default;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("operation"u8)) Operation(ref reader, ref operation);
            else if (reader.ValueTextEquals("account"u8)) Text(ref reader, "account", ref account);
            else if (reader.ValueTextEquals("reservation"u8)) Text(ref reader, "reservation", ref reservation);
            else if (!reader.ValueTextEquals("body"u8))
                throw RequestRefusedException.Invalid(TextConverter.Read(ref reader),
                    "is not a member of a line: it has `operation`, `account`, `reservation` and `body`");
            else if (!body.IsEmpty) throw RequestRefusedException.Invalid("body", "is given twice");
            else
            {
                reader.Read();
                var start = (int)reader.TokenStartIndex;
                reader.Skip();
                body = json[start..(int)reader.BytesConsumed];
            }
        }
        // Nothing may follow the object.
        reader.Read();
        return new(operation, account, reservation, body);
    }

    /// <summary>The names of operations are known: only another one is a text of its own.</summary>
    static void Operation(ref Utf8JsonReader reader, ref string? value)
    {
        var ahead = reader;
        if (value is null && ahead.Read() && ahead.TokenType == JsonTokenType.String)
            foreach (var name in names)
                if (ahead.ValueTextEquals(name))
                {
                    reader = ahead;
                    value = name;
                    return;
                }
        Text(ref reader, "operation", ref value);
    }

    static void Text(ref Utf8JsonReader reader, string name, ref string? value)
    {
        if (value is not null) throw RequestRefusedException.Invalid(name, "is given twice");
        reader.Read();
        try
        {
            value = TextConverter.Read(ref reader);
        }
        catch (BadValueException wrong)
        {
            throw RequestRefusedException.Invalid(name, wrong.Message);
        }
    }
}
