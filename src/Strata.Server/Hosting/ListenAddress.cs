using System.Globalization;
using System.Net;

namespace Strata.Server;

/// <summary>A parsed HOST:PORT on loopback.</summary>
internal readonly record struct ListenAddress(IPEndPoint EndPoint)
{
    /// <exception cref="StrataConfigurationException">It is no HOST:PORT, or reaches beyond loopback.</exception>
    public static ListenAddress Parse(string text)
    {
        int colon = text.LastIndexOf(':');
        string host = colon < 0 ? text : text[..colon];
        if (colon < 0 || !ushort.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out ushort port))
            throw Invalid($"'{text}' is not HOST:PORT, such as 127.0.0.1:9000.");
        if (string.Equals(host, "localhost", StringComparison.OrdinalIgnoreCase)) return new(new IPEndPoint(IPAddress.Loopback, port));
        bool bracketed = host.StartsWith('[') && host.EndsWith(']');
        bool parsed = IPAddress.TryParse(bracketed ? host[1..^1] : host, out IPAddress? address) && bracketed == host.Contains(':', StringComparison.Ordinal);
        if (parsed && IPAddress.IsLoopback(address!)) return new(new IPEndPoint(address!, port));
        throw Invalid(
            $"'{text}' is not a loopback address. Without access keys, which come with signatures, everybody who reaches the server could read and delete; " +
            "use 127.0.0.1:PORT, [::1]:PORT or localhost:PORT.");
    }

    private static StrataConfigurationException Invalid(string fault) => new(nameof(StrataServerOptions.Listen), fault);
}
