using System.Net;
using System.Net.Sockets;

namespace Strata.Server;

/// <summary>
/// Lets an address fail to sign in <see cref="MaxFailures"/> times a minute. Addresses share a fixed number of places by
/// chance, so that no number of them takes memory; of IPv6 the first 64 bits count, which one machine has to itself.
/// </summary>
internal sealed class SignInLimit(TimeProvider clock)
{
    /// <summary>Failures a minute.</summary>
    public const int MaxFailures = 10;

    private const int Places = 1024;

    private static readonly TimeSpan Window = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private readonly (long Since, int Failures)[] _places = new (long, int)[Places];

    /// <summary>Takes one attempt, which counts as failed until <see cref="Forgive"/>; false if there were too many.</summary>
    public bool TryBegin(IPAddress? address)
    {
        lock (_lock)
        {
            ref (long Since, int Failures) place = ref PlaceOf(address);
            if (place.Failures == 0 || clock.GetElapsedTime(place.Since) >= Window) place = (clock.GetTimestamp(), 0);
            if (place.Failures >= MaxFailures) return false;
            place.Failures++;
            return true;
        }
    }

    /// <summary>Says that the attempt was none that failed.</summary>
    public void Forgive(IPAddress? address)
    {
        lock (_lock)
        {
            ref (long Since, int Failures) place = ref PlaceOf(address);
            if (place.Failures > 0) place.Failures--;
        }
    }

    private ref (long Since, int Failures) PlaceOf(IPAddress? address)
    {
        Span<byte> bytes = stackalloc byte[16];
        var hash = default(HashCode);
        if (address is { IsIPv4MappedToIPv6: true }) address = address.MapToIPv4();
        if (address is not null && address.TryWriteBytes(bytes, out int length)) hash.AddBytes(bytes[..(address.AddressFamily == AddressFamily.InterNetworkV6 ? 8 : length)]);
        return ref _places[(uint)hash.ToHashCode() % Places];
    }
}
