// Where a host listens, and with which certificate: TLS by the server itself, for who has no proxy in front.
using System.Security.Authentication;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Purser.Engine;

namespace Purser.Api;

public static class Listening
{
    /// <summary>Listens where the options say; with a certificate also at `https://` addresses.</summary>
    public static void ListenAs(this WebApplicationBuilder builder, ServerOptions options)
    {
        builder.WebHost.UseUrls(options.AllUrls);
        if (options.TlsCertificate is not { } certificate || options.TlsKey is not { } key) return;
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.Services.AddSingleton(provider => new ServingCertificate(new(
            certificate, key, TimeProvider.System, provider.GetRequiredService<ILogger<CertificateFiles>>())));
        builder.Services.AddOptions<KestrelServerOptions>().Configure<ServingCertificate>((kestrel, serving) =>
            kestrel.ConfigureHttpsDefaults(https =>
            {
                https.SslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13;
                // Asked for by the server's own checks; what is served is decided for each connection below, with the whole chain.
                https.ServerCertificateSelector = (_, _) => serving.Files.Current.TargetCertificate;
                https.OnAuthenticate = (_, tls) =>
                    (tls.ServerCertificateContext, tls.ServerCertificateSelectionCallback) = (serving.Files.Current, null);
            }));
        // Browsers that were here once come by TLS only; not to names of this machine, under which other programs listen too.
        builder.Services.AddHsts(hsts => hsts.MaxAge = TimeSpan.FromDays(365));
    }

    internal static IApplicationBuilder UseTlsOnly(this IApplicationBuilder app) =>
        app.ApplicationServices.GetService<ServingCertificate>() is null ? app : app.UseHsts();
}

/// <summary>The certificate that this host serves.</summary>
sealed record ServingCertificate(CertificateFiles Files);
