using Microsoft.Extensions.Configuration;

namespace Strata.Server;

/// <summary>Where the server listens, and what it puts up with. Checked at start.</summary>
public sealed record StrataServerOptions
{
    /// <summary>
    /// HOST:PORT. The host is <c>localhost</c>, an address of this machine, or <c>*</c>, <c>0.0.0.0</c> or <c>[::]</c> for all
    /// of them. Beyond loopback the server listens only with access keys. Port 0 takes a free one. Default <c>127.0.0.1:9000</c>.
    /// </summary>
    public string Listen { get; init; } = "127.0.0.1:9000";

    /// <summary>
    /// Values of the <c>Host</c> header (NAME or NAME:PORT) that are accepted besides localhost and the address that a
    /// request came in at, with the server's own port. Default none. With access keys any name will do: a page of another
    /// site that makes a browser ask this server under its own name has no credentials to send along.
    /// </summary>
    public IReadOnlyList<string> AllowedHosts { get; init; } = [];

    /// <summary>Serve HTTPS with this certificate; null for plain HTTP, the default.</summary>
    public TlsOptions? Tls { get; init; }

    /// <summary>
    /// The access keys. While there has never been one, nobody is asked for credentials and the server listens on loopback
    /// alone. Default: none.
    /// </summary>
    public AccessKeyRing Access { get; init; } = new();

    /// <summary>
    /// The file of the key that the data folder's access keys are sealed with; outside the folder. Null, the default, for the
    /// one that the environment variable <c>STRATA_SEALING_KEY_FILE</c> names, or else <c>strata/sealing.key</c> in the user's
    /// configuration folder.
    /// </summary>
    public string? SealingKeyFile { get; init; }

    /// <summary>
    /// Tokens by which clients of KV Connect are known; several may hold at once, so that they can be changed one after the
    /// other. Without any, and as soon as there are access keys, nobody reaches a KV database from outside.
    /// </summary>
    public IReadOnlyList<KvToken> KvTokens { get; init; } = [];

    /// <summary>
    /// How many KV databases there may be in the data folder before clients of KV Connect can make no more; those that there
    /// are stay open to them, and those of the configuration do not count. Whoever administers the server makes any number.
    /// 0 (only those that there are) to 100,000. Default 100.
    /// </summary>
    public int MaxKvDatabases { get; init; } = 100;

    /// <summary>The keys that the data folder keeps, in <see cref="Access"/> too; null where there is no folder.</summary>
    internal AccessKeyStore? KeyStore { get; init; }

    /// <summary>The data folder's token (<see cref="DataFolder.Token"/>), by which the command line shows that it may read the folder; null for none.</summary>
    internal string? OwnerToken { get; init; }

    /// <summary>The longest object that one PUT may carry, in bytes: 1 or more. Default 5 GiB, as S3's.</summary>
    public long MaxObjectBytes { get; init; } = 5L << 30;

    /// <summary>The longest XML body that is read, in bytes: 1 KiB to 64 MiB. Default 4 MiB, enough for 1,000 keys in any spelling.</summary>
    public int MaxXmlBytes { get; init; } = 4 << 20;

    /// <summary>Request line and headers together, in bytes: 1 KiB to 1 MiB. Default 32 KiB.</summary>
    public int MaxHeaderBytes { get; init; } = 32 << 10;

    /// <summary>
    /// Connections open at once; the next one is closed. 1 or more. Default 12,000, so that 10,000 that idle leave room for
    /// others. Each takes a file handle of the process: see <c>ulimit -n</c>.
    /// </summary>
    public int MaxConnections { get; init; } = 12_000;

    /// <summary>How long a connection may stay open between two requests: more than 0. Default 2 min.</summary>
    public TimeSpan KeepAliveTimeout { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>
    /// Requests with a body (objects, parts, lists of keys) that are received at once, by S3 and the blob API together; the
    /// next one is told to slow down (503) before its body is read. Each has buffers of up to 512 KiB. 1 or more. Default 256.
    /// </summary>
    public int MaxUploads { get; init; } = 256;

    /// <summary>
    /// How many of <see cref="MaxUploads"/> one access key may have or, where no keys are asked for, one address (in IPv6 one
    /// /64 network), so that a client whose uploads stall leaves room for others; the next one is told to slow down (503)
    /// before its body is read. 1 or more; null, the default, for a quarter of <see cref="MaxUploads"/>, rounded up.
    /// </summary>
    public int? MaxUploadsPerClient { get; init; }

    /// <summary>
    /// Uploads in parts of one bucket that are begun and neither completed nor aborted; to begin another one is refused with
    /// SlowDown (503). At the limit they are counted once a second: until then, one that has just ended still counts.
    /// 1 to 100,000. Default 10,000.
    /// </summary>
    public int MaxUnfinishedUploads { get; init; } = 10_000;

    /// <summary>
    /// S3 requests a second of one access key or, where no keys are asked for, of one address (in IPv6 of one /64 network);
    /// a second's worth may come at once, and what is beyond is told to slow down (503). 0 turns the limit off. Default 0.
    /// </summary>
    public int MaxRequestsPerSecond { get; init; }

    /// <summary>
    /// Requests a second of one address that are refused for want of right credentials, and wrong signatures a second of one
    /// key from one address: a second's worth may come at once. What is beyond is told to slow down (503), and in the second
    /// case so is every request under that key from that address, right or wrong, until some time has passed. This machine
    /// itself is not limited, nor what a proxy on it passes on. 0 turns the limit off. Default 100.
    /// </summary>
    public int MaxRefusalsPerSecond { get; init; } = 100;

    /// <summary>
    /// The most keys and addresses that each limit of a rate (<see cref="MaxRequestsPerSecond"/>,
    /// <see cref="MaxRefusalsPerSecond"/>, signing in) counts one by one at a time; those beyond share one count. 1 to
    /// 1,000,000. Default 10,000, which takes some 1.5 MB a limit when all are busy.
    /// </summary>
    public int MaxRateCounters { get; init; } = 10_000;

    /// <summary>How long a client may take over the headers of a request. Default 15 s.</summary>
    public TimeSpan HeaderTimeout { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>
    /// The slowest body, up or down, in bytes per second, measured over any stretch of <see cref="SlowGrace"/>; a slower
    /// client is cut off. 0 turns the limit off. Default 240.
    /// </summary>
    public int MinBytesPerSecond { get; init; } = 240;

    /// <summary>How long a body may be slower than <see cref="MinBytesPerSecond"/>: more than 1 s. Default 10 s.</summary>
    public TimeSpan SlowGrace { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long requests under way may take to finish once the server stops accepting. Default 20 s.</summary>
    public TimeSpan DrainTimeout { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>
    /// Where a line of JSON is written about each request: the path of a file, which is appended to and opened again when it
    /// was moved away (rotation), or <c>-</c> for standard output; null for nowhere. Never blocks a request, and holds no
    /// credentials. Default null.
    /// </summary>
    public string? AccessLog { get; init; }

    /// <summary>Reads and checks the sections <c>Strata:Server</c> and <c>Strata:Access</c>. Unknown settings are errors, so that a mistyped one is never ignored.</summary>
    /// <param name="configuration">The root of the configuration.</param>
    /// <param name="defaults">What holds where nothing is set; null for the defaults of this class.</param>
    /// <exception cref="StrataConfigurationException">A setting is wrong; the message names it and says what it takes, and never holds a secret.</exception>
    public static StrataServerOptions Read(IConfiguration configuration, StrataServerOptions? defaults = null)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        return ServerSettings.Read(configuration, AccessSettings.Read(configuration, defaults ?? new()));
    }

    /// <summary>These options with what a data folder holds: its access keys and its token.</summary>
    /// <exception cref="StrataConfigurationException">The sealing key is missing, or another one.</exception>
    /// <exception cref="StorageException">The folder's keys are damaged or cannot be read.</exception>
    internal StrataServerOptions WithFolder(DataFolder folder, StoreContext? context) => this with
    {
        OwnerToken = folder.Token,
        KeyStore = AccessKeyStore.Open(folder.Path, SealingKeyFile, Access, (context ?? StoreContext.Default).Clock),
    };

    /// <summary>Checks every option but <see cref="Listen"/>.</summary>
    internal void Validate()
    {
        Require(MaxObjectBytes >= 1, nameof(MaxObjectBytes), "1 or more");
        Require(KvTokens.All(t => t.IsValid), nameof(KvTokens), KvToken.Accepted);
        Require(MaxKvDatabases is >= 0 and <= 100_000, nameof(MaxKvDatabases), "0 to 100,000");
        Require(MaxXmlBytes is >= 1 << 10 and <= 64 << 20, nameof(MaxXmlBytes), "1 KiB to 64 MiB");
        Require(MaxHeaderBytes is >= 1 << 10 and <= 1 << 20, nameof(MaxHeaderBytes), "1 KiB to 1 MiB");
        Require(MaxConnections >= 1, nameof(MaxConnections), "1 or more");
        Require(KeepAliveTimeout > TimeSpan.Zero, nameof(KeepAliveTimeout), "more than 0");
        Require(MaxUploads >= 1, nameof(MaxUploads), "1 or more");
        Require(MaxUploadsPerClient is null or >= 1, nameof(MaxUploadsPerClient), "1 or more");
        Require(MaxUnfinishedUploads is >= 1 and <= 100_000, nameof(MaxUnfinishedUploads), "1 to 100,000");
        Require(MaxRequestsPerSecond >= 0, nameof(MaxRequestsPerSecond), "0 or more");
        Require(MaxRefusalsPerSecond >= 0, nameof(MaxRefusalsPerSecond), "0 or more");
        Require(MaxRateCounters is >= 1 and <= 1_000_000, nameof(MaxRateCounters), "1 to 1,000,000");
        Require(AccessLog is not "", nameof(AccessLog), "a path, - or null");
        Require(HeaderTimeout > TimeSpan.Zero, nameof(HeaderTimeout), "more than 0");
        Require(MinBytesPerSecond >= 0, nameof(MinBytesPerSecond), "0 or more");
        Require(SlowGrace > TimeSpan.FromSeconds(1), nameof(SlowGrace), "more than 1 s");
        Require(DrainTimeout >= TimeSpan.Zero, nameof(DrainTimeout), "0 or more");
    }

    private static void Require(bool holds, string option, string takes)
    {
        if (!holds) throw new ArgumentException($"{option} takes {takes}.", option);
    }
}
