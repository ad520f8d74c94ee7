using Microsoft.AspNetCore.Http;

namespace Strata.Server;

/// <summary>
/// Bounds how often an address is refused for want of right credentials, and how often it may guess at the secret of a key.
/// </summary>
/// <remarks>
/// Beyond the rate a refusal becomes a SlowDown; who has right credentials notices nothing of what others at their address
/// do. But for one thing: an address that has sent too many wrong signatures of one key is not heard under that key for
/// a moment, else a right guess would be told from a wrong one however fast they come. Old and badly formed requests are no
/// guesses. This machine itself is not limited: its programs come from one address, and so does all that a proxy passes on.
/// </remarks>
internal sealed class RefusalLimit(StrataServerOptions options, StoreContext context, ServerMetrics metrics)
{
    private readonly TokenBuckets? _refusals = BucketsOf(options, context), _guesses = BucketsOf(options, context);

    /// <summary>Refuses whose address has guessed too often at the secret of the key that the request names.</summary>
    /// <exception cref="S3Exception">It has, or the request's claim is malformed.</exception>
    public void RequireFewGuesses(HttpContext http)
    {
        if (_guesses is null or { Count: 0 } || AccessGuard.IsFromThisMachine(http.Connection)) return;
        if (!_guesses.HasRunOut(GuessOf(http))) return;
        metrics.CountRefusal("authentication");
        throw S3Error.SlowDown.AsException();
    }

    /// <summary>What to answer who is refused: the refusal, or that this came too often.</summary>
    public S3Error AnswerTo(HttpContext http, S3Error refusal)
    {
        if (refusal == S3Error.SlowDown || _refusals is null || _guesses is null || AccessGuard.IsFromThisMachine(http.Connection)) return refusal;
        bool isFew = refusal == SignatureErrors.Mismatch ? _guesses.TryTake(GuessOf(http)) : _refusals.TryTake(ClientName.Of(http.Connection.RemoteIpAddress));
        if (isFew) return refusal;
        metrics.CountRefusal("authentication");
        return S3Error.SlowDown;
    }

    private static TokenBuckets? BucketsOf(StrataServerOptions options, StoreContext context) => options.MaxRefusalsPerSecond == 0
        ? null
        : new TokenBuckets(options.MaxRefusalsPerSecond, TimeSpan.FromSeconds(1), options.MaxRateCounters, context.Clock);

    /// <summary>The address and the key. A key of this id exists, else its signature would not be wrong: no stranger's text is kept.</summary>
    private static string GuessOf(HttpContext http) => $"{ClientName.Of(http.Connection.RemoteIpAddress)} {SignatureClaim.Of(http.Request).KeyId}";
}
