namespace Strata.KvConnect;

/// <summary>Where a database is, and what it is asked with.</summary>
public sealed record KvConnectOptions
{
    /// <summary>The address that a Deno application would give to <c>Deno.openKv</c>, such as <c>https://kv.example/app</c>; without user and password.</summary>
    public required Uri Url { get; init; }

    /// <summary>The access token; the one that Deno takes from <c>DENO_KV_ACCESS_TOKEN</c>.</summary>
    public required string AccessToken { get; init; }

    /// <summary>The database's name in messages and metrics. Default <c>kv</c>.</summary>
    public string Name { get; init; } = "kv";

    /// <summary>How often a call is tried again that certainly has not been applied: 0 to 100. Default 5, the first after up to 100 ms, each after twice the time of the one before, at most 5 s.</summary>
    public int Retries { get; init; } = 5;

    /// <summary>An attempt that has no complete answer after this has failed: 1 s to 1 h. Default 30 s. A read is then tried again; a write's outcome is unknown.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>What the server takes: the protocol's limits, but of the command line's own way in.</summary>
    internal KvLimits Limits { get; init; } = KvLimits.Deno;

    /// <summary>What is never told: the token.</summary>
    public override string ToString() => $"{Name} at {(Url.IsAbsoluteUri ? Url.GetComponents(UriComponents.SchemeAndServer | UriComponents.Path, UriFormat.UriEscaped) : "no address")}";

    internal void Check()
    {
        if (!Url.IsAbsoluteUri || (Url.Scheme != Uri.UriSchemeHttp && Url.Scheme != Uri.UriSchemeHttps)) throw new ArgumentException($"Url must be an http: or https: address; it is {this}.", nameof(Url));
        if (Url.UserInfo.Length > 0) throw new ArgumentException("Url must not hold a user or a password; the token is given as AccessToken.", nameof(Url));
        if (AccessToken.Length == 0 || AccessToken.AsSpan().ContainsAnyExceptInRange('!', '~')) throw new ArgumentException("AccessToken must be one or more visible ASCII characters.", nameof(AccessToken));
        if (Retries is < 0 or > 100) throw new ArgumentException($"Retries must be 0 to 100; it is {Retries}.", nameof(Retries));
        if (Timeout < TimeSpan.FromSeconds(1) || Timeout > TimeSpan.FromHours(1)) throw new ArgumentException($"Timeout must be 1 s to 1 h; it is {Timeout}.", nameof(Timeout));
    }
}
