// The same questions to a budget, with what it answered, word for word: wherever the authority is, the answers are the same.
using System.Text.Json;
using System.Text.Json.Nodes;
using Purser.Client;

namespace Purser.Conformance.Clients;

public static class Transcript
{
    public static Client.Policy Policy => new()
    {
        Limits =
        [
            new() { Id = "day", Unit = LimitUnit.Tokens, Window = "lifetime", Amount = 5_000, Enforcement = Enforcement.Hard },
            new() { Id = "money", Unit = LimitUnit.Cost, Window = "lifetime", Amount = 1m, Enforcement = Enforcement.Soft },
        ],
    };

    /// <summary>Of an account that has <see cref="Policy"/>, and nothing booked.</summary>
    public static async Task<IReadOnlyList<string>> OfAsync(IBudget budget, string account)
    {
        var said = new List<string>();
        var call = new Client.Estimate
        {
            Id = "h", Provider = "openai", Model = "gpt-4o", InputTokens = 100, MaxOutputTokens = 900, User = "ann", Session = "s",
            Tags = new Dictionary<string, string> { ["team"] = "search" }, Ttl = TimeSpan.FromMinutes(1),
        };
        await Say(() => budget.CheckAsync(account, call));
        await Say(() => budget.ReserveAsync(account, call));
        await Say(() => budget.ReserveAsync(account, call));
        await Say(() => budget.ReserveAsync(account, call with { InputTokens = 7 }));
        await Say(() => budget.ReserveAsync(account, call with { Id = "large", MaxOutputTokens = 100_000 }));
        await Say(() => budget.ReserveAsync(account, call with { Id = "dear", Cost = 3m }));
        await Say(() => budget.ExtendAsync(account, "h", new() { Id = "more", MaxOutputTokens = 100, Model = "gpt-4o" }));
        await Say(() => budget.SettleAsync(account, "h", new() { Id = "part", Final = false, InputTokens = 10, OutputTokens = 5 }));
        await Say(() => budget.SettleAsync(account, "h", new()
        {
            Raw = JsonNode.Parse("""{"prompt_tokens":90,"completion_tokens":40,"total_tokens":130}""")!.AsObject(),
            Metadata = new() { ["k"] = 1 }, Duration = TimeSpan.FromMilliseconds(12.2), Provider = "openai", Model = "gpt-4o",
        }));
        await Say(() => budget.ReleaseAsync(account, "none"));
        // Units that a report does not tell stand beside it; counts of tokens do not.
        var searched = new Client.Usage
        {
            Id = "searched", Provider = "anthropic", Model = "claude-sonnet-4-5", WebSearches = 3,
            Raw = JsonNode.Parse("""{"input_tokens":10,"output_tokens":5}""")!.AsObject(),
        };
        await Say(() => budget.RecordUsageAsync(account, searched));
        await Say(() => budget.RecordUsageAsync(account, searched with { Id = "twice", OutputTokens = 5 }));
        await Say(() => budget.RecordUsageAsync(account, searched with { Id = "kinds", CachedInputTokens = 5 }));
        await Say(() => budget.RecordUsageAsync(account, new Client.Usage { Id = "sum", InputTokens = 5, OutputTokens = 1, TotalTokens = 7 }));
        await Say(() => budget.RecordUsageAsync(account, new Client.Usage { Id = "names", Tokens = 5, TotalTokens = 7 }));
        await Say(() => budget.RecordUsageAsync(account, searched with { Id = "none", Raw = JsonNode.Parse("""{"foo":1}""")!.AsObject() }));
        await Say(() => budget.ReserveAsync(account, call with { Id = "u" }));
        await Say(() => budget.SettleAsync(account, "u", new() { Outcome = "unknown", OutputTokens = 5 }));
        await Say(
            () => budget.RecordUsageAsync(account, new Client.Usage { Id = "r", TotalTokens = 12, Model = "no such model",
                Session = "s" }));
        await Say(() => budget.RecordUsageAsync(account, new Client.Usage { Id = "bad", InputTokens = -1 }));
        await Say(() => budget.RecordUsageAsync("not an account", new Client.Usage { Id = "bad", InputTokens = 1 }));
        await Say(() => budget.CountTokensAsync(new() { Model = "gpt-4o", Text = "How many are these?" }));
        await Say(() => budget.CloseSessionAsync(account, "s"));
        return said;

        async Task Say<T>(Func<Task<T>> ask)
        {
            try
            {
                said.Add(Bare(JsonSerializer.SerializeToNode(await ask(), typeof(T), PurserJson.Default))!.ToJsonString());
            }
            catch (PurserException wrong)
            {
                said.Add($"{wrong.Status} {wrong.Problem?.Word} {wrong.Problem?.Field} {wrong.Problem?.Detail}");
            }
        }
    }

    /// <summary>Without times and the account's name, and without what only an HTTP problem says.</summary>
    static JsonNode? Bare(JsonNode? node)
    {
        if (node is JsonObject members)
            foreach (var (name, value) in members.ToArray())
                if (name
                    is "account" or "createdAt" or "expiresAt" or "startedAt" or "lastUsedAt" or "durationSeconds" or "active" or "type"
                    or "title" or "until" or "seconds" or "windowStart" or "retryAfterSeconds") members.Remove(name);
                else Bare(value);
        else if (node is JsonArray items)
            foreach (var item in items) Bare(item);
        return node;
    }
}
