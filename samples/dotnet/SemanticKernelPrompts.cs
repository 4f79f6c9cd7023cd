// Prompts of Semantic Kernel under a budget: the kernel gets a chat client that has one, and knows nothing of it.
using Microsoft.Extensions.AI;
using Microsoft.SemanticKernel;
using Microsoft.SemanticKernel.ChatCompletion;
using Purser.Client;

namespace Purser.Samples;

public static class SemanticKernelPrompts
{
    public static async Task RunAsync(PurserClient purser, IChatClient provider, TextWriter said)
    {
        await purser.PutPolicyAsync("sample-kernel", new()
        {
            Limits = [new() { Id = "calls", Unit = LimitUnit.Requests, Window = "day", Amount = 1, Enforcement = Enforcement.Hard }],
        }, by: "the sample");

        var chat = provider.AsBuilder().UseBudget(purser, account: "sample-kernel").Build();
        var builder = Kernel.CreateBuilder();
        builder.Services.AddSingleton(chat.AsChatCompletionService());
        var kernel = builder.Build();

        await said.WriteLineAsync((await kernel.InvokePromptAsync("Say hello to {{$who}}.", new() { ["who"] = "Ann" })).ToString());
        try
        {
            await kernel.InvokePromptAsync("And once more.");
        }
        catch (BudgetRefusedException refused)
        {
            await said.WriteLineAsync($"Refused by {refused.Decision.BlockedBy[0].LimitId}");
        }
    }
}
