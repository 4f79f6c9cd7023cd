// This program once more, as a server of its own: what stands beside Purser in a measurement must not share its process.
using System.Diagnostics;
using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Purser.Bench;

sealed class OwnProcess : IAsyncDisposable
{
    const string Listens = "listens on ";

    readonly Process process;

    OwnProcess(Process process, int port) => (this.process, Port) = (process, port);

    public int Port { get; }

    public int Id => process.Id;

    public static async Task<OwnProcess> StartAsync(string command)
    {
        var process = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, [command])
        {
            RedirectStandardInput = true, RedirectStandardOutput = true,
        })!;
        var line = await process.StandardOutput.ReadLineAsync();
        return line is not null && line.StartsWith(Listens, StringComparison.Ordinal)
            ? new(process, int.Parse(line[Listens.Length..], CultureInfo.InvariantCulture))
            : throw new InvalidOperationException($"'{command}' does not start");
    }

    /// <summary>What such a process does: it answers until nobody holds its input open any more.</summary>
    public static async Task<int> ServeAsync(RequestDelegate answer)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        await using var app = builder.Build();
        app.Urls.Add("http://127.0.0.1:0");
        app.Run(answer);
        await app.StartAsync();
        var address = app.Services.GetRequiredService<Microsoft.AspNetCore.Hosting.Server.IServer>().Features
            .Get<IServerAddressesFeature>()!.Addresses.First();
        Console.WriteLine(Listens + new Uri(address).Port.ToString(CultureInfo.InvariantCulture));
        while (await Console.In.ReadLineAsync() is not null)
        {
        }
        return 0;
    }

    public async ValueTask DisposeAsync()
    {
        if (!process.HasExited) process.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
    }
}
