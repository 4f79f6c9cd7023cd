// `/v1/batch`: many operations in one request, a line each, and a line of answer for each. What comes together shares a commit.
using System.Buffers;
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

    /// <summary>What is handed on together: enough for a full group commit.</summary>
    const int MostLines = 1000;
    const int MostBytes = 4 * 1024 * 1024;

    /// <summary>
    /// Some windows of lines are decided while the next one is read, and no more is read before: who does not take its answers is not read
    /// from any more. The lines of an account are decided in their order, and answers are in the order of the lines.
    /// </summary>
    public async Task Run(HttpContext http)
    {
        _ = new Query(http, []);
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size) size.MaxRequestBodySize = null;
        var windows = new BatchWindows(authority, http);
        try
        {
            await ReadAsync(http, new(Caller.Of(http)), windows);
        }
        finally
        {
            await windows.EndAsync();
        }
        if (!http.Response.HasStarted)
            throw RequestRefusedException.Invalid(null, "the body is empty; send a JSON object in each line");
    }

    static async Task ReadAsync(HttpContext http, BatchReading reading, BatchWindows windows)
    {
        var (reader, window, skipping) = (http.Request.BodyReader, new List<BatchLine>(), false);
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
            // Whoever sends no more before it has its answers waits for nothing.
            if (window.Count > 0) await HandOnAsync();
            reader.AdvanceTo(result.IsCompleted ? result.Buffer.End : rest.Start, result.Buffer.End);
            if (result.IsCompleted) return;
        }

        async ValueTask HandOnAsync()
        {
            await windows.AddAsync(window);
            window = [];
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
                QuickAnswers.Write(json, decision);
                break;
            case Settlement settlement:
                QuickAnswers.Write(json, settlement);
                break;
            case ReservationView view:
                QuickAnswers.Write(json, view);
                break;
            case OverrideView view:
                JsonSerializer.Serialize(json, new OverrideDocument(view), ApiJson.Default.OverrideDocument);
                break;
            default:
                throw new System.Diagnostics.UnreachableException(answer.GetType().Name);
        }
    }
}
