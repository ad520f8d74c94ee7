using System.Globalization;
using System.Net.Http.Headers;

namespace Strata.KvConnect;

/// <summary>The metadata that a server gave: where to send what, with which token, and for how long.</summary>
internal sealed class KvConnectSession
{
    private volatile bool _isProven;

    /// <summary>The protocol's version that client and server have agreed on.</summary>
    public required int Version { get; init; }

    /// <summary>The database's UUID, in lower case.</summary>
    public required string DatabaseId { get; init; }

    /// <summary>For writes, watches and reads that must see the last state.</summary>
    public required KvConnectEndpoints Strong { get; set; }

    /// <summary>For other reads: the endpoints that are made for them, then the strong ones.</summary>
    public required KvConnectEndpoints Eventual { get; set; }

    /// <summary>The token of the data path.</summary>
    public required string Token { get; init; }

    /// <summary>How long it holds, from the moment at which it was asked for.</summary>
    public required TimeSpan Life { get; init; }

    /// <summary>Whether the server tells expiries and heeds reads of keys alone.</summary>
    public required bool IsStrata { get; init; }

    /// <summary>True: it was asked for because the token before it was refused. If its own is refused too, there is no use in a third.</summary>
    public bool FollowsRefusal { get; init; }

    /// <summary>Whether another session may help if the server refuses this one's token.</summary>
    public bool MayBeRenewed => _isProven || !FollowsRefusal;

    /// <summary>Reads the metadata.</summary>
    /// <param name="answer">What the server said.</param>
    /// <param name="asked">The address that answered, after all redirects.</param>
    /// <param name="told">When it answered: by its clock, so that it need not agree with the one here; null: it does not say.</param>
    /// <param name="clock">The clock here.</param>
    /// <param name="isStrata">Whether it is Strata's.</param>
    /// <param name="followsRefusal"><see cref="FollowsRefusal"/>.</param>
    /// <exception cref="FormatException">It is not what the protocol says, or not safe to follow.</exception>
    public static KvConnectSession Of(MetadataAnswer answer, Uri asked, DateTimeOffset? told, TimeProvider clock, bool isStrata, bool followsRefusal)
    {
        if (answer.Version is < Protocol.LowestVersion or > Protocol.HighestVersion) throw new FormatException($"its version is {answer.Version}; {Protocol.LowestVersion} to {Protocol.HighestVersion} are known");
        if (!Guid.TryParse(answer.DatabaseId, out Guid id)) throw new FormatException("its database id is no UUID");
        if (string.IsNullOrEmpty(answer.Token) || answer.Token.AsSpan().ContainsAnyExceptInRange('!', '~')) throw new FormatException("its token is not one or more visible ASCII characters");
        if (!DateTimeOffset.TryParse(answer.ExpiresAt, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset expires)) throw new FormatException("it does not say when its token expires");
        Uri[] strong = EndpointsOf(answer, asked, Protocol.Strong), eventual = EndpointsOf(answer, asked, Protocol.Eventual);
        if (strong.Length == 0) throw new FormatException("it names no endpoint for consistent reads and writes to which the token may be shown: https:, or the host that was asked");
        DateTimeOffset now = clock.GetUtcNow();
        TimeSpan life = expires - (told ?? now);
        return new KvConnectSession
        {
            Version = answer.Version,
            DatabaseId = id.ToString(),
            Strong = new KvConnectEndpoints(strong, clock),
            Eventual = new KvConnectEndpoints([.. eventual, .. strong], clock),
            Token = answer.Token,
            Life = life > TimeSpan.Zero ? life : expires - now,
            IsStrata = isStrata,
            FollowsRefusal = followsRefusal,
        };
    }

    /// <summary>Whether a token that is shown to one address may be shown to another one: never to another host in clear, and never in clear after it was encrypted.</summary>
    public static bool MayShow(Uri from, Uri to) =>
        to.Scheme == Uri.UriSchemeHttps
        || (to.Scheme == Uri.UriSchemeHttp && from.Scheme == Uri.UriSchemeHttp && (string.Equals(to.Host, from.Host, StringComparison.OrdinalIgnoreCase) || (to.IsLoopback && from.IsLoopback)));

    /// <summary>Takes over what was learnt of the same endpoints while another session was in use.</summary>
    public void Learn(KvConnectSession before) => (Strong, Eventual) = (before.Strong.Or(Strong), before.Eventual.Or(Eventual));

    /// <summary>Its token was accepted.</summary>
    public void Prove() => _isProven = true;

    /// <summary>A request of the data path: it shows the token, and names the version and the database.</summary>
    public HttpRequestMessage Request(Uri endpoint, string call, byte[] message)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, new Uri(endpoint, call)) { Content = new ByteArrayContent(message) { Headers = { ContentType = new MediaTypeHeaderValue(Protocol.MessageType) } } };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", Token);
        if (Version == Protocol.LowestVersion)
        {
            request.Headers.Add(Protocol.DomainHeader, DatabaseId);
        }
        else
        {
            request.Headers.Add(Protocol.VersionHeader, Version.ToString(CultureInfo.InvariantCulture));
            request.Headers.Add(Protocol.DatabaseHeader, DatabaseId);
        }

        return request;
    }

    /// <summary>Which database by which version; never the token.</summary>
    public override string ToString() => $"{DatabaseId} at {Strong.Current} by version {Version}";

    private static Uri[] EndpointsOf(MetadataAnswer answer, Uri asked, string consistency) =>
    [
        .. from endpoint in answer.Endpoints ?? []
           where endpoint is { Url: not null } && endpoint.Consistency == consistency
           let address = Uri.TryCreate(asked, endpoint!.Url!.TrimEnd('/') + "/", out Uri? found) ? found : throw new FormatException("it names an endpoint whose address is none")
           where MayShow(asked, address)
           select address,
    ];
}
