// Puts the tools for agents onto a host, at /mcp. Each request stands for itself, so any host of a cluster answers it.
using System.Reflection;
using Purser.Api.Access;

namespace Purser.Api.Mcp;

public static class McpHost
{
    public static IServiceCollection AddPurserTools(this IServiceCollection services)
    {
        services.AddHttpContextAccessor();
        services.AddMcpServer(server =>
        {
            server.ServerInfo = new()
            {
                Name = "purser", Version = typeof(McpHost).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!
                    .InformationalVersion.Split('+')[0],
            };
            server.ServerInstructions =
                "Your budget for model calls. Ask what is left before long work; lend a part to each sub-agent; tell what "
                + "was used where nobody else does.";
        }).WithHttpTransport(http => http.Stateless = true).WithTools<BudgetTools>();
        return services;
    }

    /// <summary>For everybody with a key; each tool asks for its right.</summary>
    public static void MapPurserTools(this IEndpointRouteBuilder routes) =>
        routes.MapMcp("/mcp").WithMetadata(new NeededRight(Right.None));
}
