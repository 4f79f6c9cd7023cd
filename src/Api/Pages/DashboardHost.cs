// Puts the dashboard onto a host: who may look, what its pages load, signing in and out, and reading answers by their address.
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using Purser.Api.Access;
using Purser.Dashboard;
using Purser.Engine;

namespace Purser.Api.Pages;

public static class DashboardHost
{
    const string setting = "PURSER_DASHBOARD";

    /// <summary>PURSER_DASHBOARD: `on`, or `off`, and this host has no pages; and those of signing in at an issuer.</summary>
    public static readonly IReadOnlyList<string> Names = [setting, .. SignInOptions.Names];

    public static IServiceCollection AddPurserDashboard(this IServiceCollection services, IConfiguration configuration)
    {
        if (configuration[setting]?.Trim() is "off") return services;
        services.AddPurserPages();
        var signIn = SignInOptions.Of(configuration);
        services.AddSingleton(signIn);
        services.AddSingleton<Visits>();
        services.AddSingleton<Desk>();
        services.AddSingleton<IDesk>(provider => provider.GetRequiredService<Desk>());
        var schemes = services.AddAuthentication().AddCookie(Visits.Scheme, cookie =>
        {
            cookie.Cookie.SecurePolicy = IssuerSignIn.PolicyOf(signIn);
            (cookie.Cookie.Name, cookie.Cookie.HttpOnly, cookie.Cookie.SameSite) = (Visits.CookieName, true, SameSiteMode.Strict);
            (cookie.ExpireTimeSpan, cookie.SlidingExpiration) = (TimeSpan.FromHours(12), true);
        });
        if (signIn.IsOn)
            schemes.AddOpenIdConnect(IssuerSignIn.Scheme, connect =>
                IssuerSignIn.Configure(connect, signIn, AccessOptions.Of(configuration, null)));
        services.AddAntiforgery(antiforgery =>
        {
            (antiforgery.Cookie.Name, antiforgery.Cookie.SameSite) = ("purser-form", SameSiteMode.Strict);
            // Said by the boundary, for every page.
            antiforgery.SuppressXFrameOptionsHeader = true;
        });
        services.AddDataProtection().SetApplicationName("purser");
        services.AddSingleton<IConfigureOptions<KeyManagementOptions>>(provider => new ConfigureOptions<KeyManagementOptions>(keys =>
            keys.XmlRepository = new SealKeys(provider.GetRequiredService<ISharedState>())));
        // Keys are read when the first page asks for one, and not at a start that may be before the first silo's.
        foreach (var eager in services.Where(one => one.ImplementationType?.Name == "DataProtectionHostedService").ToArray())
            services.Remove(eager);
        return services;
    }

    /// <summary>What is wrong with the setting.</summary>
    public static IEnumerable<string> WrongSettings(IConfiguration configuration) =>
        [.. configuration["PURSER_DASHBOARD"]?.Trim() is null or "" or "on" or "off" ? Array.Empty<string>()
            : ["PURSER_DASHBOARD must be on or off"], .. SignInOptions.Problems(configuration)];

    internal static bool HasDashboard(this IServiceProvider services) => services.GetService<Desk>() is not null;

    /// <summary>Maps the pages; the last of what is mapped, since the desk hands out everything before it.</summary>
    public static void MapPurserDashboard(this WebApplication app)
    {
        if (app.Services.GetService<Desk>() is not { } desk) return;
        app.MapPurserPages().Add(endpoint => endpoint.Metadata.Add(
            new PageNote(endpoint.Metadata.OfType<OpenPageAttribute>().Any())));
        app.MapMethods("/assets/{name}", ["GET", "HEAD"], Assets.SendAsync).WithMetadata(new PageNote(IsOpen: true));
        app.MapPost("/sign-in/key", (RequestDelegate)(http => SignInAsync(http, desk))).WithMetadata(new PageNote(IsOpen: true));
        app.MapPost("/sign-out", (RequestDelegate)SignOutAsync).WithMetadata(new PageNote(IsOpen: true));
        if (app.Services.GetRequiredService<SignInOptions>().IsOn) IssuerSignIn.Map(app);
        app.MapGet("/read/{**address}", (RequestDelegate)(http => ReadAsync(http, desk))).WithMetadata(new PageNote());
        desk.Connect(app);
    }

    static async Task SignInAsync(HttpContext http, Desk desk)
    {
        if (!await http.RequestServices.GetRequiredService<IAntiforgery>().IsRequestValidAsync(http))
        {
            http.Response.Redirect("/sign-in?why=form");
            return;
        }
        var form = await http.Request.ReadFormAsync(http.RequestAborted);
        var (shown, to) = (form["key"].ToString().Trim(), form["to"].ToString());
        var (caller, _) = shown.Length is > 0 and < 10_000 && !shown.Any(char.IsControl) ? await desk.LetInAsync(shown) : (null, null);
        if (caller is null)
        {
            http.Response.Redirect($"/sign-in?why=key&to={Uri.EscapeDataString(to)}");
            return;
        }
        if (!ReferenceEquals(caller, Caller.Everybody))
            await http.SignInAsync(Visits.Scheme, http.RequestServices.GetRequiredService<Visits>().TicketOf(caller, shown));
        http.Response.Redirect(PlaceOf(to));
    }

    /// <summary>Only a place of this host: one slash and no other one, nor what browsers take for one.</summary>
    internal static string PlaceOf(string to) => to.StartsWith('/') && !to.StartsWith("//", StringComparison.Ordinal) && !to.Contains('\\')
        && !to.Any(char.IsControl) ? to : "/overview";

    static async Task SignOutAsync(HttpContext http)
    {
        var ofIssuer = Visits.IsOfIssuer(http.User);
        if (await http.RequestServices.GetRequiredService<IAntiforgery>().IsRequestValidAsync(http))
            await http.SignOutAsync(Visits.Scheme);
        http.Response.Redirect(ofIssuer ? "/sign-in?why=out" : "/sign-in");
    }

    /// <summary>The answer of an operation, for the link beside a figure and for files: only what changes nothing.</summary>
    static Task ReadAsync(HttpContext http, Desk desk)
    {
        var address = "/" + http.Request.RouteValues["address"];
        http.Response.Headers.CacheControl = "no-store";
        return address.StartsWith("/v1/", StringComparison.Ordinal) && !address.StartsWith("/v1/events", StringComparison.Ordinal)
            ? desk.ReadAsync(http, address)
            : Problems.WriteAsync(http, Problems.NotFound, null, "only operations under /v1 are read here");
    }

    /// <summary>The page for an address at which there is none.</summary>
    internal static Task NotFoundAsync(HttpContext http) =>
        new RazorComponentResult<NotFoundDocument> { StatusCode = StatusCodes.Status404NotFound }.ExecuteAsync(http);
}
