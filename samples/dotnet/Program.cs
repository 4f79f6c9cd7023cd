// Picks a sample: chat, stream, agents, framework, kernel, migration, or web. PURSER is where the service is; OPENAI_API_KEY and
// OPENAI_BASE_URL say whom to ask.
using System.ClientModel;
using Microsoft.Extensions.AI;
using OpenAI;
using Purser.Client;
using Purser.Samples;

var purser = new PurserClient(new Uri(Environment.GetEnvironmentVariable("PURSER") ?? "http://127.0.0.1:8080"));
var options = new OpenAIClientOptions();
if (Environment.GetEnvironmentVariable("OPENAI_BASE_URL") is { } address) options.Endpoint = new(address);
var key = new ApiKeyCredential(Environment.GetEnvironmentVariable("OPENAI_API_KEY") ?? "none");
using var provider = new OpenAI.Chat.ChatClient("gpt-4o-mini", key, options).AsIChatClient();

switch (args.FirstOrDefault())
{
    case "chat": await ChatWithBudget.RunAsync(purser, provider, Console.Out); break;
    case "stream": await StreamWithAbort.RunAsync(purser, provider, Console.Out); break;
    case "agents": await AgentWithSubAgents.RunAsync(purser, provider, Console.Out); break;
    case "framework": await AgentFramework.RunAsync(purser, provider, Console.Out); break;
    case "kernel": await SemanticKernelPrompts.RunAsync(purser, provider, Console.Out); break;
    case "migration": await FromDirectTracking.RunAsync(purser, provider, Console.Out); break;
    case "web": await BudgetPerUser.Build(purser, provider, args[1..]).RunAsync(); break;
    default: Console.Error.WriteLine("purser-samples: say chat, stream, agents, framework, kernel, migration or web"); return 2;
}
return 0;
