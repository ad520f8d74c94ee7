using System.Net;
using Microsoft.AspNetCore.Http;

namespace Strata.Server;

/// <summary>
/// Finds requests that a foreign web page made: by DNS rebinding (a Host that is not ours), by a script (an Origin that
/// is not ours) or by embedding (fetch metadata of another site).
/// </summary>
internal sealed class OriginGuard(StrataServerOptions options)
{
    private const string Embedded = "Pages of another origin may not embed what this server holds.";
    private const string Foreign = "Pages of another origin may not use this server.";

    /// <summary>The last Host header that was found to be ours: clients send the same one again and again.</summary>
    private volatile OwnHost? _last;

    /// <summary>
    /// What is wrong with a request to a server that asks for no credentials, which every browser on its machine reaches;
    /// null if nothing. Reads count as well as writes.
    /// </summary>
    public string? FaultOnLoopback(HttpContext http)
    {
        if (!IsOursAgain(http.Request, http.Connection))
            return "The Host header names another server. Use localhost or 127.0.0.1 with this server's port, or add the name to AllowedHosts.";
        if (http.Request.Headers.Origin.Count == 0) return IsEmbedded(http.Request.Headers) ? Embedded : null;
        return OriginOf(http.Request) is { } origin && IsOurs(new HostString(origin.Authority), http.Connection, origin.Port) ? null : Foreign;
    }

    /// <summary>
    /// What is wrong with a request that a browser may have sent with its cookie; null if nothing. Whatever name the
    /// server has, a page of ours asks the name that it came from.
    /// </summary>
    public static string? FaultOfPage(HttpContext http)
    {
        if (http.Request.Headers.Origin.Count == 0) return IsEmbedded(http.Request.Headers) ? Embedded : null;
        Uri? origin = OriginOf(http.Request);
        bool isSameScheme = origin?.Scheme == Uri.UriSchemeHttps || !http.Request.IsHttps;
        return isSameScheme && string.Equals(origin?.Authority, http.Request.Host.Value, StringComparison.OrdinalIgnoreCase) ? null : Foreign;
    }

    private static Uri? OriginOf(HttpRequest request) =>
        Uri.TryCreate(request.Headers.Origin.ToString(), UriKind.Absolute, out Uri? origin) && origin.Scheme is "http" or "https" ? origin : null;

    /// <summary>
    /// True if a foreign page asks for a script, an image or a frame: browsers send no Origin then, but tell so by fetch
    /// metadata (W3C). A link that a person follows is no such request.
    /// </summary>
    private static bool IsEmbedded(IHeaderDictionary headers) =>
        headers["Sec-Fetch-Site"].ToString() is "cross-site" or "same-site" && headers["Sec-Fetch-Dest"] != "document";

    private bool IsOursAgain(HttpRequest request, ConnectionInfo connection)
    {
        if (request.Headers.Host is not [{ } header]) return false;
        int defaultPort = request.IsHttps ? 443 : 80;
        if (_last is { } last && last.Header == header && last.LocalPort == connection.LocalPort && last.DefaultPort == defaultPort
            && Equals(last.LocalAddress, connection.LocalIpAddress))
        {
            return true;
        }

        if (!IsOurs(request.Host, connection, defaultPort)) return false;
        _last = new OwnHost(header, connection.LocalIpAddress, connection.LocalPort, defaultPort);
        return true;
    }

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

    /// <summary>A Host header, and what else decides whether it is ours.</summary>
    private sealed record OwnHost(string Header, IPAddress? LocalAddress, int LocalPort, int DefaultPort);
}
