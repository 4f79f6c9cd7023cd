// From counting afterwards to a budget, in three steps that can be taken one by one: each is less code than the one before.
using Microsoft.Extensions.AI;
using Purser.Client;

namespace Purser.Samples;

public static class FromDirectTracking
{
    const string account = "sample-migration";

    public static async Task RunAsync(PurserClient purser, IChatClient provider, TextWriter said)
    {
        // 1. What was written into a table of one's own after each call is recorded: reports, costs and alerts are there from now on.
        var answer = await provider.GetResponseAsync("First.");
        await purser.RecordUsageAsync(account, new Usage
        {
            Id = answer.ResponseId, Provider = "openai", Model = "gpt-4o",
            InputTokens = answer.Usage?.InputTokenCount, OutputTokens = answer.Usage?.OutputTokenCount,
        });

        // 2. The call itself goes through the budget: it is held before, and booked whatever becomes of it.
        await purser.TrackAsync(account, new() { Provider = "openai", Model = "gpt-4o", InputTokens = 50, MaxOutputTokens = 200 },
            (decision, cancel) => provider.GetResponseAsync("Second.", cancellationToken: cancel),
            response => new()
            {
                InputTokens = response.Usage?.InputTokenCount, OutputTokens = response.Usage?.OutputTokenCount,
            });

        // 3. The client has the budget, and calls say nothing of it.
        var chat = provider.AsBuilder().UseBudget(purser, account).Build();
        await chat.GetResponseAsync("Third.", new() { MaxOutputTokens = 200 });

        var report = await purser.GetReportAsync(new() { Account = [account] });
        await said.WriteLineAsync($"{report.Summary.TotalRequests} calls, {report.Summary.TotalTokens} tokens");
    }
}
