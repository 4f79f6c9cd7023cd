// An agent of Microsoft Agent Framework under a budget: every call of its model is held and booked for itself, tool turns too, and when the
// budget ends the agent ends with a sentence instead of an exception.
using System.ComponentModel;
using Microsoft.Agents.AI;
using Microsoft.Extensions.AI;
using Purser.Client;

namespace Purser.Samples;

public static class AgentFramework
{
    public static async Task RunAsync(PurserClient purser, IChatClient provider, TextWriter said)
    {
        // The framework puts function invocation around the client that it is given: the budget is inside of it, a hold for each turn.
        AIAgent agent = provider.AsBuilder()
            .UseBudget(purser, options =>
            {
                options.Account = "sample-agents";
                options.OnRefused = refused => new(new ChatMessage(ChatRole.Assistant, $"I stop here: {refused.Reason}"))
                {
                    FinishReason = ChatFinishReason.Length,
                };
            })
            .Build()
            .AsAIAgent(instructions: "You tell the weather.", name: "weather", tools: [AIFunctionFactory.Create(Weather)]);

        using (BudgetScope.Begin(new() { User = "ann", Orchestrator = agent.Name }))
            await said.WriteLineAsync((await agent.RunAsync("How is the weather in Porto?")).Text);

        var booked = (await purser.ListUsageAsync("sample-agents", new() { User = ["ann"] })).Items;
        await said.WriteLineAsync($"{booked.Count} calls of the model, {booked.Sum(call => call.TotalTokens)} tokens");
    }

    [Description("The weather in a town")]
    static string Weather(string town) => $"{town}: sun";
}
