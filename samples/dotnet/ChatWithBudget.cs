// A chat under a daily limit: one line puts it there, and a refusal says what would fit.
using Microsoft.Extensions.AI;
using Purser.Client;

namespace Purser.Samples;

public static class ChatWithBudget
{
    public static async Task RunAsync(PurserClient purser, IChatClient provider, TextWriter said)
    {
        await purser.PutPolicyAsync("sample-chat", new()
        {
            Limits = [new() { Id = "daily", Unit = LimitUnit.Tokens, Window = "day", Amount = 2_000, Enforcement = Enforcement.Hard }],
        }, by: "the sample");

        IChatClient chat = provider.AsBuilder().UseBudget(purser, account: "sample-chat").Build();
        var answer = await chat.GetResponseAsync("Say hello.", new() { MaxOutputTokens = 200 });
        await said.WriteLineAsync(answer.Text);

        try
        {
            await chat.GetResponseAsync("Write a novel.", new() { MaxOutputTokens = 50_000 });
        }
        catch (BudgetRefusedException refused)
        {
            var fits = refused.Decision.Suggestions.FirstOrDefault(suggestion => suggestion.MaxOutputTokens is not null);
            await said.WriteLineAsync($"Refused by {refused.Decision.BlockedBy[0].LimitId}; {fits?.MaxOutputTokens} tokens of output would fit.");
        }
    }
}
