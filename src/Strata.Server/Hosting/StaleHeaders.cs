using System.Globalization;
using Microsoft.AspNetCore.Http;

namespace Strata.Server;

/// <summary>
/// Tells a client that a tiered store answered with a copy which the origin could not confirm (<see cref="TieringOptions.FailSafeFor"/>):
/// <c>Age</c> (RFC 9111, section 5.1), the seconds since it was confirmed, and <c>Cache-Status</c> (RFC 9211), which says whose word that
/// is. Neither stands on any other answer.
/// </summary>
internal static class StaleHeaders
{
    private const string CacheStatus = "strata; hit; detail=stale";

    public static void Write(BlobInfo info, TimeProvider clock, HttpResponse response)
    {
        if (info.StaleSince is not { } since) return;
        double seconds = Math.Clamp((clock.GetUtcNow() - since).TotalSeconds, 0, int.MaxValue);
        response.Headers.Age = ((long)seconds).ToString(CultureInfo.InvariantCulture);
        response.Headers["Cache-Status"] = CacheStatus;
    }
}
