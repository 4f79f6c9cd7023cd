// What parts of pages stand on where a test draws them by themselves: no browser and no host, and a desk that the test speaks for.
using System.Security.Claims;
using Bunit;
using Microsoft.AspNetCore.Components.Authorization;
using Microsoft.Extensions.DependencyInjection;
using Radzen;

namespace Purser.Dashboard.Tests;

public abstract class PartContext : BunitContext
{
    protected void Serve(IDesk desk)
    {
        JSInterop.Mode = JSRuntimeMode.Loose;
        JSInterop.Setup<Radzen.Blazor.Rendering.Rect>("Radzen.createChart", _ => true).SetResult(new() { Width = 600, Height = 260 });
        Services.AddRadzenComponents();
        Services.AddSingleton(desk);
        Services.AddSingleton<AuthenticationStateProvider, Anybody>();
        this.AddBunitPersistentComponentState();
        Services.AddSingleton(new Handovers()).AddScoped<Visit>().AddScoped<Live>();
    }

    /// <summary>For desks at which nothing happens.</summary>
    protected static async IAsyncEnumerable<IReadOnlyList<Happening>> Nothing()
    {
        await Task.CompletedTask;
        yield break;
    }

    sealed class Anybody : AuthenticationStateProvider
    {
        public override Task<AuthenticationState> GetAuthenticationStateAsync() =>
            Task.FromResult(new AuthenticationState(new ClaimsPrincipal()));
    }
}
