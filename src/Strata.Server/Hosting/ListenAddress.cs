using System.Globalization;
using System.Net;

namespace Strata.Server;

/// <summary>A parsed HOST:PORT.</summary>
/// <param name="EndPoint">What to listen on; <see cref="IPAddress.IPv6Any"/> for all addresses, those of IPv4 included.</param>
internal readonly record struct ListenAddress(IPEndPoint EndPoint)
{
    /// <summary>True if only this machine reaches it.</summary>
    public bool IsLoopback => IPAddress.IsLoopback(EndPoint.Address);

    /// <summary>True if it stands for all addresses of this machine.</summary>
    public bool IsAny => EndPoint.Address.Equals(IPAddress.Any) || EndPoint.Address.Equals(IPAddress.IPv6Any);

    /// <exception cref="StrataConfigurationException">It is no HOST:PORT.</exception>
    public static ListenAddress Parse(string text)
    {
        int colon = text.LastIndexOf(':');
        string host = colon < 0 ? text : text[..colon];
        if (colon < 0 || !ushort.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out ushort port))
            throw Invalid($"'{text}' is not HOST:PORT, such as 127.0.0.1:9000.");
        if (string.Equals(host, "localhost", StringComparison.OrdinalIgnoreCase)) return new(new IPEndPoint(IPAddress.Loopback, port));
        if (host is "*" or "[::]") return new(new IPEndPoint(IPAddress.IPv6Any, port));
        bool bracketed = host.StartsWith('[') && host.EndsWith(']');
        if (IPAddress.TryParse(bracketed ? host[1..^1] : host, out IPAddress? address) && bracketed == host.Contains(':', StringComparison.Ordinal))
            return new(new IPEndPoint(address, port));
        throw Invalid($"'{text}' does not begin with an address. Use 127.0.0.1:PORT, [::1]:PORT or localhost:PORT for this machine alone, an address of this machine, or *:PORT for all of them.");
    }

    /// <summary>Refuses to be reached from other machines where nobody is asked for credentials.</summary>
    /// <exception cref="StrataConfigurationException">It reaches beyond loopback, and there are no keys.</exception>
    public void RequireKeysBeyondLoopback(AccessKeyRing keys)
    {
        if (IsLoopback || keys.IsRequired) return;
        throw Invalid(
            $"{EndPoint} is not a loopback address. Without access keys everybody who reaches the server could read and delete: "
            + "make one with 'strata access create --admin' or set Strata:Access:Keys; or listen on 127.0.0.1:PORT, [::1]:PORT or localhost:PORT.");
    }

    /// <summary>Where this machine reaches the server: at a loopback address if it listens on all of them.</summary>
    /// <param name="isEncrypted">True for HTTPS.</param>
    /// <param name="port">The real port; null for the given one.</param>
    public Uri ReachableAt(bool isEncrypted, int? port = null) =>
        new($"{(isEncrypted ? Uri.UriSchemeHttps : Uri.UriSchemeHttp)}://{new IPEndPoint(IsAny ? IPAddress.Loopback : EndPoint.Address, port ?? EndPoint.Port)}");

    private static StrataConfigurationException Invalid(string fault) => new(nameof(StrataServerOptions.Listen), fault);
}
