// `/v1/batch`: many operations in one request, a line each, and a line of answer for each. What comes together shares a commit.
using System.Buffers;
using System.IO.Pipelines;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.AspNetCore.Http.Features;
using Purser.Api.Access;
using Purser.Api.Documents;
using Purser.Api.Json;
using Purser.Core;
using Purser.Engine;

namespace Purser.Api.Endpoints;

sealed class BatchEndpoints(IBudgetAuthority authority)
{
    public const string LinesType = "application/x-ndjson";

    /// <summary>What is decided together: enough for a full group commit, and what a batch holds in memory.</summary>
    const int MostLines = 1000;
    const int MostBytes = 4 * 1024 * 1024;

    static readonly JsonWriterOptions readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>
    /// One window of lines is decided and answered while the next one is read, and no third is read before: who does not take its answers
    /// is not read from any more. The lines of an account are decided in their order.
    /// </summary>
    public async Task Run(HttpContext http)
    {
        _ = new Query(http, []);
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size) size.MaxRequestBodySize = null;
        var reading = new BatchReading(Caller.Of(http));
        var (reader, window, running, skipping) = (http.Request.BodyReader, new List<BatchLine>(), Task.CompletedTask, false);
        while (true)
        {
            var result = await reader.ReadAsync(http.RequestAborted);
            var rest = result.Buffer;
            while (rest.PositionOf((byte)'\n') is { } end)
            {
                if (skipping) skipping = false;
                else if (reading.Take(rest.Slice(0, end)) is { } line) window.Add(line);
                rest = rest.Slice(rest.GetPosition(1, end));
                if (window.Count >= MostLines) await HandOnAsync();
            }
            if (rest.Length > MostBytes)
            {
                // The rest of a line that is too long is thrown away as it comes.
                if (!skipping) window.Add(reading.TooLong($"a line has at most {MostBytes / 1024 / 1024} MiB"));
                skipping = true;
                rest = rest.Slice(rest.End);
            }
            if (result.IsCompleted && !rest.IsEmpty && !skipping && reading.Take(rest) is { } last) window.Add(last);
            if (window.Count > 0) await HandOnAsync();
            reader.AdvanceTo(result.IsCompleted ? result.Buffer.End : rest.Start, result.Buffer.End);
            if (result.IsCompleted) break;
        }
        await running;
        if (!http.Response.HasStarted)
            throw RequestRefusedException.Invalid(null, "the body is empty; send a JSON object in each line");

        async Task HandOnAsync()
        {
            await running;
            (running, window) = (AnswerAsync(http, window), []);
        }
    }

    async Task AnswerAsync(HttpContext http, List<BatchLine> window)
    {
        foreach (var line in window.Where(line => line.Override is not null))
            line.Command = line.Override!.ToAddOverride(Access.Caller.Of(http), new(line.Override.Id!, Fresh: false),
                line.Override.LimitId is { } limit ? await OverrideEndpoints.UnitOf(authority, line.Account!, limit) : null);
        await Task.WhenAll(window.Where(line => line.Command is not null).GroupBy(line => line.Account!).Select(DecideAsync));
        if (!http.Response.HasStarted) http.Response.ContentType = LinesType;
        var to = http.Response.BodyWriter;
        Write(window, to);
        await to.FlushAsync(http.RequestAborted);
    }

    async Task DecideAsync(IGrouping<string, BatchLine> lines)
    {
        BatchLine[] all = [.. lines];
        try
        {
            var outcomes = await authority.SendAllAsync(lines.Key, [.. all.Select(line => line.Command!)]);
            for (var i = 0; i < all.Length; i++) all[i].Decided(outcomes[i]);
        }
        catch (LedgerUnavailableException)
        {
            var away = new Outcome(OutcomeStatus.Unavailable, null, null, "the ledger can not be reached; send the line again");
            foreach (var line in all) line.Decided(away);
        }
    }

    static void Write(List<BatchLine> window, PipeWriter to)
    {
        using var json = new Utf8JsonWriter(to, readable);
        foreach (var line in window)
        {
            line.Write(json);
            json.Flush();
            to.Write("\n"u8);
            json.Reset();
        }
    }
}

/// <summary>A line: what it asks for, and what became of it.</summary>
sealed class BatchLine(long number)
{
    public string? Account { get; init; }

    /// <summary>The status of an answer that is no problem.</summary>
    public int StatusWhenDone { get; init; } = StatusCodes.Status200OK;

    /// <summary>What is asked of the budget; null where the line is refused as it stands.</summary>
    public BudgetCommand? Command { get; set; }

    /// <summary>An override, whose unit has to be looked up before it is a command.</summary>
    public NewOverrideDocument? Override { get; init; }

    /// <summary>Why the line is refused whatever the budget says, and what kind of problem that is.</summary>
    public RequestRefusedException? Refused { get; init; }

    Outcome? outcome;

    /// <summary>A settlement that nobody can book tells the budget so, and stays refused; but what was not told has to be sent
    /// again.</summary>
    public void Decided(Outcome decided) => outcome = Refused is null || decided.IsTransient ? decided : null;

    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteNumber("line", number);
        if (outcome is { Status: OutcomeStatus.Done, Answer: not null } done)
        {
            json.WriteNumber("status", StatusWhenDone);
            json.WritePropertyName("body");
            WriteAnswer(json, done.Answer);
        }
        else if (outcome is { } told)
        {
            json.WriteNumber("status", Problems.Told(told).Problem.Status);
            json.WritePropertyName("body");
            Problems.Told(told).Write(json);
        }
        else
        {
            var problem = Problems.Document(Refused!.Problem, Refused.Outcome.Field, Refused.Outcome.Detail, Refused.All);
            json.WriteNumber("status", problem.Status);
            json.WritePropertyName("body");
            JsonSerializer.Serialize(json, problem, ApiJson.Default.ProblemDocument);
        }
        json.WriteEndObject();
    }

    static void WriteAnswer(Utf8JsonWriter json, object answer)
    {
        switch (answer)
        {
            case Decision decision:
                JsonSerializer.Serialize(json, new DecisionDocument(decision), ApiJson.Default.DecisionDocument);
                break;
            case Settlement settlement:
                JsonSerializer.Serialize(json, new SettlementDocument(settlement), ApiJson.Default.SettlementDocument);
                break;
            case ReservationView view:
                JsonSerializer.Serialize(json, new ReservationDocument(view), ApiJson.Default.ReservationDocument);
                break;
            case OverrideView view:
                JsonSerializer.Serialize(json, new OverrideDocument(view), ApiJson.Default.OverrideDocument);
                break;
            default:
                throw new System.Diagnostics.UnreachableException(answer.GetType().Name);
        }
    }
}
