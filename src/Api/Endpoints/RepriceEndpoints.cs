// Rating booked records anew, page by page: each difference is an adjustment of its own, and asking again changes nothing more.
using Purser.Api.Documents;
using Purser.Api.Json;
using Purser.Core;
using Purser.Engine;

namespace Purser.Api.Endpoints;

sealed class RepriceEndpoints(IBudgetAuthority authority, IUsageQueries queries)
{
    const int UsualRecords = 1000;
    const int MostRecords = 5000;

    public async Task Reprice(HttpContext http)
    {
        _ = new Query(http, []);
        var asked = await Body.ReadAsync(http, ApiJson.Default.RepriceRequestDocument);
        if (asked.Account is { } account && !Validity.IsAccountId(account))
            throw RequestRefusedException.Invalid("account", "is not an account id");
        if (asked.Limit is < 1 or > MostRecords) throw RequestRefusedException.Invalid("limit", $"must be 1 to {MostRecords}");
        if (asked.From >= asked.To) throw RequestRefusedException.Invalid("to", "must lie after `from`");
        var (by, key) = Access.Actor.Of(http, Access.Actor.Said(asked.By, asked.ChangedBy, "changedBy"));
        var (records, next) = asked.Ids is null ? await Find(asked, http.RequestAborted) : (Named(asked), null);

        // All are sent before any is awaited: an account's share one commit.
        var outcomes = await Task.WhenAll(records.Select(record => authority.SendAsync(
            record.Account, new Reprice(record.UsageId, asked.Ids is null && asked.All != true, by, asked.Reason) { KeyId = key })));
        if (outcomes.FirstOrDefault(outcome => outcome.IsTransient) is { } transient)
        {
            await Problems.WriteAsync(http, transient);
            return;
        }
        var items = new List<RepricedDocument>();
        var refused = new List<NotRepricedDocument>();
        var unchanged = 0;
        for (var i = 0; i < outcomes.Length; i++)
        {
            var (one, usage, _) = records[i];
            if (outcomes[i] is not { Status: OutcomeStatus.Done, Answer: Repriced done })
                refused.Add(new(one, usage, Problems.Of(outcomes[i].Status).Type, outcomes[i].Detail));
            else if (done.AdjustmentId is { } adjustment)
                items.Add(new(one, usage, adjustment, Money.Format(done.BeforeNanos), Money.Format(done.AfterNanos), done.Currency,
                    done.PriceVersion));
            else unchanged++;
        }
        var unpriced = records.Zip(outcomes).Where(pair => pair.Second is { Status: OutcomeStatus.Unprocessable, Field: "model" })
            .GroupBy(pair => (pair.First.Usage?.Dimensions.Provider, pair.First.Usage?.Dimensions.Model))
            .Select(group => new UnpricedModelDocument(group.Key.Provider, group.Key.Model, group.Count(), false))
            .OrderByDescending(model => model.Records);
        await Reply.JsonAsync(http, 200, new RepriceDocument(records.Count, items.Count, unchanged, items, refused, [.. unpriced], next),
            ApiJson.Default.RepriceDocument);
    }

    static List<(string Account, string UsageId, Usage? Usage)> Named(RepriceRequestDocument asked)
    {
        if (asked.Account is not { } account)
            throw RequestRefusedException.Invalid("account", "is required with `ids`: an id is one of its account");
        if (asked.Ids!.Count is 0 or > MostRecords) throw RequestRefusedException.Invalid("ids", $"must name 1 to {MostRecords} usages");
        if ((asked.Provider ?? asked.Model ?? asked.Cursor) is not null || asked.From is not null || asked.To is not null)
            throw RequestRefusedException.Invalid("ids", "name the usages; give them, or a filter, not both");
        for (var i = 0; i < asked.Ids.Count; i++)
            if (asked.Ids[i] is null)
                throw RequestRefusedException.Invalid($"ids[{i}]", "must be a string");
        return [.. asked.Ids.Distinct(StringComparer.Ordinal).Select(id => (account, id, (Usage?)null))];
    }

    async Task<(List<(string Account, string UsageId, Usage? Usage)>, string? Next)> Find(RepriceRequestDocument asked,
        CancellationToken cancellation)
    {
        var filter = new UsageFilter
        {
            Account = asked.Account, Provider = asked.Provider, Model = asked.Model, From = asked.From, To = asked.To,
                Unpriced = asked.All == true ? null : true,
        };
        var page = await UsageEndpoints.WithCursor(() => queries.FindAsync(filter, asked.Cursor, (int)(asked.Limit ?? UsualRecords),
            cancellation));
        return ([.. page.Items.Where(found => found.Record is { Kind: RecordKind.Reported, Usage.CostNanos: null })
            .Select(found => (found.Account, found.Record.Id, (Usage?)found.Record.Usage))], page.Next);
    }
}
