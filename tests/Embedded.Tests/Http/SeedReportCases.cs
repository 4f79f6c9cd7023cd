// Cases from the systems that came before, about reports, sums, queries, exports and storage, run as data over HTTP. What can not hold is
// in cases/exceptions.json.
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Purser.Api;
using Purser.Cases;

namespace Purser.Embedded.Tests.Http;

[Collection(HttpTests.Name)]
public sealed class SeedReportCases(HttpHost host)
{
    static readonly SeedFile file = new("report", "aggregate", "query", "export", "storage", "format");

    public static TheoryData<string> Ids => file.Ids;

    const string Everything = "from=2023-01-01&to=2026-12-31&granularity=month";

    string account = "";

    [Theory]
    [MemberData(nameof(Ids))]
    public async Task The_case_holds(string id)
    {
        var one = file.Of(id);
        var (given, expect) = (one.GetProperty("given"), one.GetProperty("expect"));
        account = host.NewAccount();
        if (given.TryGetProperty("records", out var records) && records.ValueKind == JsonValueKind.Array)
            foreach (var record in records.EnumerateArray()) await BookAsync(record, given);
        if (given.TryGetProperty("costs", out var costs))
            foreach (var cost in costs.EnumerateArray())
                await BookAsync(new() { ["model"] = cost[0].GetString(), ["cost"] = cost[1].GetString() });
        if (given.TryGetProperty("calls", out var calls))
            await BookAsync(new() { ["requests"] = calls.GetInt64(), ["inputTokens"] = given.GetProperty("tokens").GetInt64(),
                ["cost"] = given.Text("cost") });

        var figures = new List<object?>();
        var text = new Dictionary<string, string>();
        string? error = null;
        foreach (var step in one.GetProperty("when").EnumerateArray())
            switch (step.Text("op"))
            {
                case "record":
                    await BookAsync(step, given);
                    break;
                case "fault":
                    // What was torn off in a stream of records costs the line that was torn.
                    await host.Post($"/v1/import?account={account}", """{"id":"torn","timestamp":"2024""");
                    break;
                case "query" when expect.TryGetProperty("count", out var count):
                    var filter = step.TryGetProperty("filter", out var given1)
                        ? string.Concat(
                            given1.EnumerateObject()
                                .Select(part =>
                                    $"&{part.Name}={part.Value.ToString().Replace("False", "false", StringComparison.Ordinal).Replace("True", "true", StringComparison.Ordinal)}")) : "";
                    Assert.Equal(count.GetInt32(), (await host.Get($"/v1/accounts/{account}/usage?limit=1000{filter}")).Json.GetProperty(
                        "items").GetArrayLength());
                    return;
                case "export":
                    var format = step.Text("format");
                    using (var answer = await host.Client.GetAsync($"/v1/export?account={account}&format={format}"))
                        if (answer.IsSuccessStatusCode) text[format] = await answer.Content.ReadAsStringAsync();
                        else error = "unsupported-format";
                    break;
                case "report" when expect.TryGetProperty("tokens", out _):
                    figures.Add((await ReportAsync($"from={step.Text("from")}&to={step.Text("to")}")).GetProperty("summary")
                        .GetProperty("totalTokens").GetInt32());
                    break;
                case "usage" when expect.TryGetProperty("usage", out _):
                    (await host.Get($"/v1/accounts/{account}/policy")).IsProblem(404, "unknown-account", "account");
                    return;
                case "create":
                    Assert.NotEmpty(
                        new ServerOptions { Ledger = step.GetProperty("options").GetProperty("storage").GetString()! }.Problems());
                    return;
            }
        if (one.Text("area") == "storage" && expect.TryGetProperty("requests", out _)) await PurgeAsync();
        await CheckAsync(expect, one.GetProperty("when")[one.GetProperty("when").GetArrayLength() - 1], figures, text, error);
    }

    /// <summary>All records go; the sums stay.</summary>
    async Task PurgeAsync()
    {
        await host.Authority.Ledger.PurgeAsync(NodaTime.Instant.FromUtc(9000, 1, 1, 0, 0), null, 10);
        Assert.Equal(0, (await host.Get($"/v1/accounts/{account}/usage")).Json.GetProperty("items").GetArrayLength());
    }

    async Task CheckAsync(JsonElement expect, JsonElement last, List<object?> figures, Dictionary<string, string> text, string? error)
    {
        var groups = last.TryGetProperty("groupBy", out var given)
            ? string.Join(',', given.EnumerateArray().Select(group => group.GetString()))
            : last.TryGetProperty("by", out var by) ? by.GetString()!.Replace("day", "date", StringComparison.Ordinal)
                : "model,provider,user,orchestrator";
        var range = last.TryGetProperty("granularity", out _) ? $"from={last.Text("from")}&to={last.Text("to")}&granularity=day"
            : Everything;
        var report = await ReportAsync($"{range}&groupBy={groups}");
        var summary = report.GetProperty("summary");
        JsonElement[] Rows(string type) =>
            [.. report.GetProperty("breakdown").EnumerateArray()
                .Where(row => row.Text("type") == type && row.GetProperty("key").ValueKind == JsonValueKind.String)];
        foreach (var member in expect.EnumerateObject())
        {
            var value = member.Value;
            switch (member.Name)
            {
                case "error": Assert.Equal(value.GetString(), error); break;
                case "rows" when text.Count == 0: Assert.Equal(value.GetInt32(), Rows(groups).Length); break;
                case "keys": Assert.Equal(value.EnumerateArray().Select(key => key.GetString()), Rows("date")
                    .Select(row => row.Text("key"))); break;
                case "tokens" when value.ValueKind == JsonValueKind.Array: Assert.Equal(
                    value.EnumerateArray().Select(one => (object?)one.GetInt32()), figures); break;
                case "cell:error": Assert.Contains(value.GetString()!, text["csv"], StringComparison.Ordinal); break;
                case "lines":
                    Assert.Equal(value.EnumerateArray().Select(count => count.GetInt32()), new[] { text["csv"], text["jsonl"] }.Select(
                        file => file.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length));
                    break;
                case "json": Assert.Equal(value.GetString(), text["json"]); break;
                case "jsonArrayLength": Assert.Equal(
                    value.GetInt32(), JsonDocument.Parse(text["json"]).RootElement.GetArrayLength()); break;
                case "jsonlLines": Assert.Equal(
                    value.GetInt32(), text["jsonl"].Split('\n', StringSplitOptions.RemoveEmptyEntries).Length); break;
                case "eachLineParses": Assert.All(text["jsonl"].Split('\n', StringSplitOptions.RemoveEmptyEntries), line =>
                    JsonDocument.Parse(line)); break;
                case "uniqueOrchestrators": Assert.Equal(value.GetInt32(), Rows("orchestrator").Length); break;
                case "series":
                    Assert.Equal(
                        value.EnumerateArray().Select(step => $"{step.Text("start")} {step.GetProperty("tokens")}"),
                        report.GetProperty("series").EnumerateArray()
                            .Select(step => $"{step.Text("start")} {step.GetProperty("totalTokens")}"));
                    break;
                case "groups":
                    // A missing tool has no name here: it can not be mistaken for one that is called so.
                    foreach (var group in value.EnumerateArray())
                    {
                        var row = report.GetProperty("breakdown").EnumerateArray().Single(row => row.Text("type") == group.Text("type")
                            && (row.GetProperty("key").GetString() ?? "unknown") == group.Text("key"));
                        Same(group.GetProperty("tokens"), row.GetProperty("totalTokens"));
                        Same(group.GetProperty("records"), row.GetProperty("totalRequests"));
                        Assert.Equal((double)group.GetProperty("sharePercent").GetProperty("approx").GetDecimal(),
                            row.GetProperty("percentage").GetDouble(), 2);
                    }
                    break;
                case "byModel":
                    Assert.Equal(
                        value.EnumerateArray()
                            .Select(model => $"{model[0]} {model[1]} {decimal.Round(model[2].GetProperty("approx").GetDecimal(), 2)}"),
                        report.GetProperty("costEstimate").GetProperty("models").EnumerateArray()
                            .Select(model => $"{model.Text("model")} {model.Text("totalCost")} {model.GetProperty("percentage")}"));
                    break;
                case "top":
                    var status = (await host.Get($"/v1/accounts/{account}")).Json.GetProperty("topModels").EnumerateArray();
                    Assert.Equal(
                        value.EnumerateArray().Select(model => $"{model[0]} {model[1]} {model[2]}"),
                        status.Select(
                            model => $"{model.Text("model")} {model.GetProperty("totalTokens")} {model.GetProperty("percentage")}"));
                    break;
                case "max" or "orderNote": break;
                case "providers" or "users" or "models":
                    foreach (var one in value.EnumerateObject()) Row(Rows(member.Name.TrimEnd('s')), one);
                    break;
                default:
                    if (Figure(summary, member.Name) is { } figure) Same(value, figure);
                    else Row([.. report.GetProperty("breakdown").EnumerateArray()], member);
                    break;
            }
        }
    }

    /// <summary>A row by its key; one that is expected to be empty need not be there.</summary>
    static void Row(JsonElement[] rows, JsonProperty expected)
    {
        var row = rows.FirstOrDefault(row => row.GetProperty("key").GetString() == expected.Name);
        foreach (var figure in expected.Value.EnumerateObject())
            if (row.ValueKind == JsonValueKind.Undefined) Assert.Equal(0, figure.Value.GetInt32());
            else Same(figure.Value, Figure(row, figure.Name) ?? throw new ArgumentException($"there is no figure '{figure.Name}'"));
    }

    static JsonElement? Figure(JsonElement measures, string name) => name switch
    {
        "requests" or "records" or "summary.requests" => measures.GetProperty("totalRequests"),
        "failed" => measures.GetProperty("failedRequests"),
        "succeeded" => JsonSerializer.SerializeToElement(measures.GetProperty("totalRequests").GetInt64() - measures.GetProperty(
            "failedRequests").GetInt64()),
        "input" or "totalInput" => measures.GetProperty("totalInputTokens"),
        "output" or "totalOutput" => measures.GetProperty("totalOutputTokens"),
        "tokens" or "totalTokens" => measures.GetProperty("totalTokens"),
        "cost" or "total" or "summary.cost" => measures.GetProperty("totalCost"),
        "avgCost" or "avgCostPerCall" => measures.GetProperty("averageCostPerRequest"),
        "avgDurationMs" => measures.GetProperty("averageDurationMs"),
        "avgTokensPerCall" => measures.GetProperty("efficiency").GetProperty("tokensPerRequest"),
        "successPercent" => measures.GetProperty("successPercent"),
        "uniqueSessions" => measures.GetProperty("uniqueSessions"),
        "averageTokensPerSession" => measures.GetProperty("averageTokensPerSession"),
        "peakAt" => measures.GetProperty("peakTimestamp"),
        "peakTokens" => measures.GetProperty("peakTokens"),
        _ => null,
    };

    static void Same(JsonElement expected, JsonElement actual)
    {
        var (one, other) = (expected.ToString(), actual.ToString());
        if (decimal.TryParse(one, CultureInfo.InvariantCulture, out var number))
            Assert.Equal(number, decimal.Parse(other, CultureInfo.InvariantCulture));
        else Assert.Equal(one, other);
    }

    async Task<JsonElement> ReportAsync(string query)
    {
        var reply = await host.Get($"/v1/reports?account={account}&{query}");
        Assert.True(reply.Code == 200, reply.Text);
        return reply.Json;
    }

    async Task BookAsync(JsonElement record, JsonElement given)
    {
        string? Word(string name) => record.TryGetProperty(name, out var value) ? value.GetString() : null;
        long? Number(string name) => record.TryGetProperty(name, out var value) ? value.GetInt64() : null;
        var model = Word("model");
        var (input, output) = (Number("input") ?? Number("total") ?? Number("tokens") ?? 0, Number("output") ?? 0);
        var usage = new JsonObject
        {
            ["id"] = Word("id"), ["timestamp"] = Word("at"), ["model"] = model, ["user"] = Word("user"), ["session"] = Word("session")
                ?? Word("conversation") ?? Word("scope"),
            ["orchestrator"] = Word("orchestrator"), ["tool"] = Word("tool"), ["inputTokens"] = input, ["outputTokens"] = output,
                ["durationMs"] = Number("durationMs"),
            ["error"] = Word("error"), ["cost"] = Word("cost"),
            // Who calls knows whom; that system guessed it from the name.
            ["provider"] = Word("provider") ?? (model is null ? null : model.StartsWith("claude", StringComparison.Ordinal)
                ? "anthropic" : model.StartsWith("gpt", StringComparison.Ordinal) ? "openai" : null),
        };
        if (record.TryGetProperty("success", out var success)) usage["success"] = success.GetBoolean();
        if (given.TryGetProperty("prices", out var prices) && model is not null)
        {
            decimal Rate(string kind) => decimal.Parse(prices.GetProperty(model).Text(kind), CultureInfo.InvariantCulture);
            usage["cost"] = ((input * Rate("input") + output * Rate("output")) / 1000)
                .ToString("0.#########", CultureInfo.InvariantCulture);
        }
        await BookAsync(usage);
    }

    async Task BookAsync(JsonObject usage)
    {
        foreach (var empty in usage.Where(member => member.Value is null).Select(member => member.Key).ToArray()) usage.Remove(empty);
        using var body = new StringContent(usage.ToJsonString(), Encoding.UTF8, "application/json");
        var reply = await host.Send(HttpMethod.Post, $"/v1/accounts/{account}/usage", body);
        Assert.True(reply.Code == 201, reply.Text);
    }
}
