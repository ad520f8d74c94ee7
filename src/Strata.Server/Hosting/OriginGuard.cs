using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Http;

namespace Strata.Server;

/// <summary>
/// Refuses requests that a foreign web page made: by DNS rebinding (a Host that is not ours), by a script (an Origin that
/// is not ours) or by embedding (fetch metadata of another site). It guards every endpoint, reads included, as a browser on the same machine reaches loopback.
/// </summary>
internal sealed class OriginGuard(StrataServerOptions options)
{
    /// <summary>The endpoint, guarded.</summary>
    public RequestDelegate Wrap(RequestDelegate next) => http => Fault(http) is { } fault ? RefuseAsync(http, fault) : next(http);

    private string? Fault(HttpContext http)
    {
        HostString host = http.Request.Host;
        if (!IsOurs(host, http.Connection, defaultPort: http.Request.IsHttps ? 443 : 80) && !MayHaveAnyName(host))
            return "The Host header names another server. Use localhost or the server's own address with its port, or add the name to AllowedHosts.";
        if (http.Request.Headers.Origin.Count == 0)
            return IsEmbedded(http.Request.Headers) ? "Pages of another origin may not embed what this server holds." : null;
        bool isUri = Uri.TryCreate(http.Request.Headers.Origin.ToString(), UriKind.Absolute, out Uri? origin);
        if (!isUri || origin!.Scheme is not ("http" or "https")) return "Pages of another origin may not use this server.";

        // Behind a proxy the scheme may be another; the name is what a browser keeps pages apart by.
        var from = new HostString(origin.Authority);
        bool isSame = IsOurs(from, http.Connection, origin.Port) || (MayHaveAnyName(host) && string.Equals(from.Value, host.Value, StringComparison.OrdinalIgnoreCase));
        return isSame ? null : "Pages of another origin may not use this server.";
    }

    /// <summary>
    /// With access keys any name will do, unless some are listed: a page that has its own name point here (DNS rebinding)
    /// has no credentials to send along, and cookies belong to a name.
    /// </summary>
    private bool MayHaveAnyName(HostString host) => host.HasValue && options.Access.IsRequired && options.AllowedHosts.Count == 0;

    /// <summary>
    /// True if a foreign page asks for a script, an image or a frame: browsers send no Origin then, but tell so by fetch
    /// metadata (W3C). A link that a person follows is no such request.
    /// </summary>
    private static bool IsEmbedded(IHeaderDictionary headers) =>
        headers["Sec-Fetch-Site"].ToString() is "cross-site" or "same-site" && headers["Sec-Fetch-Dest"] != "document";

    private bool IsOurs(HostString host, ConnectionInfo connection, int defaultPort)
    {
        if (!host.HasValue) return false;
        if (options.AllowedHosts.Contains(host.Value, StringComparer.OrdinalIgnoreCase)) return true;
        if ((host.Port ?? defaultPort) != connection.LocalPort) return false;
        if (string.Equals(host.Host, "localhost", StringComparison.OrdinalIgnoreCase)) return true;
        if (!IPAddress.TryParse(host.Host.Trim('[', ']'), out IPAddress? address)) return false;

        // Addresses are nobody's to point elsewhere.
        return IPAddress.IsLoopback(address) || (connection.LocalIpAddress is { } local && address.MapToIPv6().Equals(local.MapToIPv6()));
    }

    private static async Task RefuseAsync(HttpContext http, string fault)
    {
        http.Response.StatusCode = StatusCodes.Status403Forbidden;
        if (HttpMethods.IsHead(http.Request.Method)) return;
        if (http.Request.Path.StartsWithSegments("/_strata", StringComparison.Ordinal))
        {
            http.Response.ContentType = "application/json";
            await http.Response.WriteAsync($$"""{"kind":"AccessDenied","outcome":"NotApplied","message":"{{fault}}"}""");
            return;
        }

        using var xml = new S3Xml("Error", hasNamespace: false);
        xml.Element("Code", "AccessDenied").Element("Message", fault);
        xml.Element("RequestId", http.TraceIdentifier.ToString(CultureInfo.InvariantCulture));
        await xml.SendAsync(http.Response, StatusCodes.Status403Forbidden);
    }
}
