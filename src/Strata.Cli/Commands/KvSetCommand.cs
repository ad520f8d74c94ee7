using System.CommandLine;
using System.Text;

namespace Strata.Cli;

/// <summary><c>strata kv set</c></summary>
internal sealed class KvSetCommand : StrataCommand
{
    private const string StandardInput = "-";
    private readonly Argument<string> _key = new("KEY") { Description = "The key, as a JSON array." };
    private readonly Argument<string> _value = new("VALUE") { Description = "The value, or - for standard input." };
    private readonly Option<string?> _database = KvSource.Option();
    private readonly Option<string> _as = new("--as") { Description = "What the value is: js (JSON, kept as JavaScript's value; the default), text, bigint, u64 (what sums count with), bytes (as they are: JSON of .NET, files).", HelpName = "KIND", DefaultValueFactory = _ => "js" };
    private readonly Option<string?> _ttl = new("--ttl") { Description = "How long it lives: 90s, 15m, 12h, 30d.", HelpName = "DURATION" };
    private readonly Option<bool> _ifAbsent = new("--if-absent") { Description = "Only if the key has no entry." };
    private readonly Option<string?> _ifVersion = new("--if-version") { Description = "Only if the entry has this versionstamp.", HelpName = "STAMP" };

    public KvSetCommand()
        : base(
            "set",
            "Set a value.",
            "strata kv set '[\"users\",\"ann\"]' '{\"name\":\"Ann\"}'",
            "strata kv set '[\"visits\"]' 1 --as u64",
            "strata kv set '[\"logo\"]' - --as bytes < logo.png",
            "strata kv set '[\"lock\"]' true --if-absent --ttl 30s")
    {
        Add(_key);
        Add(_value);
        Add(_database);
        Add(_as);
        Add(_ttl);
        Add(_ifAbsent);
        Add(_ifVersion);
    }

    public override string Notes => "With --json: {\"versionstamp\"}.";

    protected override async Task<int> RunAsync(Run run, CancellationToken cancellationToken)
    {
        KvKey key = KvText.KeyOf(run.Parsed.GetRequiredValue(_key));
        TimeSpan? ttl = run.Parsed.GetValue(_ttl) is { } text ? Times.Duration(text, "--ttl") : null;
        bool isAbsent = run.Parsed.GetValue(_ifAbsent);
        string? version = run.Parsed.GetValue(_ifVersion);
        if (isAbsent && version is not null) throw CliException.Usage("Give --if-absent or --if-version, not both.");
        Versionstamp stamp = Versionstamp.None;
        if (version is not null && !Versionstamp.TryParse(version, out stamp)) throw CliException.Usage($"--if-version takes 20 hexadecimal digits; this is '{version}'.");
        KvValue value = ValueOf(run.Parsed.GetRequiredValue(_as), await BytesOfAsync(run.Parsed.GetRequiredValue(_value), cancellationToken));
        await using KvSource source = await KvSource.OpenAsync(run, run.Parsed.GetValue(_database), forWriting: true, cancellationToken);
        KvAtomic write = RawCodec.Over(source.Database, value.Encoding).Atomic();
        if (isAbsent || version is not null) write.Check(key, stamp);
        CommitResult result = await write.Set(key, value, ttl).CommitAsync(cancellationToken);
        if (!result.IsCommitted) throw new CliException(ExitCode.ConditionFailed, isAbsent ? $"{key} has an entry already (--if-absent); nothing was written." : $"{key} has not the versionstamp {version} (--if-version); nothing was written.");
        run.Report.Result(result.Versionstamp.ToString(), new KvDoneLine(result.Versionstamp.ToString()), JsonLines.Context.KvDoneLine);
        return ExitCode.Done;
    }

    private static KvValue ValueOf(string kind, byte[] bytes)
    {
        string Text() => KvText.TextOf(KvValue.OfBytes(bytes)) ?? throw CliException.Usage("The value is no UTF-8 text; --as bytes takes any bytes.");
        return kind switch
        {
            "js" => Js(KvText.FromJson(Text())),
            "text" => Js(V8Value.Of(Text())),
            "bigint" => Js(V8Value.Of(KvText.IntegerOf(Text().Trim()))),
            "u64" => KvValue.OfUInt64(KvText.NumberOf(Text().Trim())),
            "bytes" => KvValue.OfBytes(bytes),
            _ => throw CliException.Usage($"--as takes js, text, bigint, u64 or bytes; this is '{kind}'."),
        };

        static KvValue Js(V8Value value) => new(value.ToBytes(), KvEncoding.V8);
    }

    private static async Task<byte[]> BytesOfAsync(string value, CancellationToken cancellationToken)
    {
        if (value != StandardInput) return Encoding.UTF8.GetBytes(value);
        await using var input = new InputStream(Console.OpenStandardInput());
        using var bytes = new MemoryStream();
        await input.CopyToAsync(bytes, cancellationToken);
        return bytes.ToArray();
    }
}
