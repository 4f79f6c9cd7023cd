// An agent that holds tokens once for a whole task, and lends parts of them to sub-agents: what they do not spend returns.
using Microsoft.Extensions.AI;
using Purser.Client;

namespace Purser.Samples;

public static class AgentWithSubAgents
{
    public static async Task RunAsync(PurserClient purser, IChatClient provider, TextWriter said)
    {
        IChatClient chat = provider.AsBuilder().UseBudget(purser).Build();
        await using var purse = (await purser.HoldPurseAsync("sample-agent", tokens: 10_000)).Open();
        foreach (var agent in (string[])["researcher", "writer"])
        {
            await using var own = purse.Lend(2_000, new() { Tool = agent });
            await chat.GetResponseAsync($"You are the {agent}. Say one sentence.", new() { MaxOutputTokens = 300 });
            await said.WriteLineAsync($"{agent} has {own.Remaining} of 2000 left");
        }
        await said.WriteLineAsync($"the purse has {purse.Remaining} of 10000 left");
    }
}
