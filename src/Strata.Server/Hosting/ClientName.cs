using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Http;

namespace Strata.Server;

/// <summary>As whom a client is counted where each may have no more than its share.</summary>
internal static class ClientName
{
    /// <summary>The access key (of a presigned address that of who signed it) or, where no key is known, the address.</summary>
    public static string Of(HttpContext http) =>
        Of(http.Features.Get<RequestAccess>()?.Principal.Name ?? AccessPrincipal.Nobody.Name, http.Connection.RemoteIpAddress);

    /// <inheritdoc cref="Of(HttpContext)"/>
    public static string Of(string principal, IPAddress? address) => principal == AccessPrincipal.Anybody.Name ? Of(address) : principal;

    /// <summary>A network that one customer gets in IPv6 (/64) counts as one address. No key's id holds a colon or a dot.</summary>
    public static string Of(IPAddress? address)
    {
        if (address is null) return "";
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        return address.AddressFamily == AddressFamily.InterNetworkV6
            ? $"{Convert.ToHexStringLower(address.GetAddressBytes().AsSpan(0, 8))}::"
            : address.ToString();
    }
}
