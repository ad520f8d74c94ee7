using System.CommandLine;

namespace Strata.Cli;

/// <summary><c>strata kv</c>: its commands.</summary>
internal sealed class KvCommand : Command, IExplained
{
    public KvCommand()
        : base("kv", "Read, write, watch, import and export KV databases.")
    {
        Add(new KvGetCommand());
        Add(new KvSetCommand());
        Add(new KvDeleteCommand());
        Add(new KvListCommand());
        Add(new KvCountCommand());
        Add(new KvWatchCommand());
        Add(new KvEnqueueCommand());
        Add(new KvExportCommand());
        Add(new KvImportCommand());
    }

    public IReadOnlyList<string> Examples { get; } =
        ["strata kv set '[\"users\",\"ann\"]' '{\"name\":\"Ann\"}'", "strata kv get '[\"users\",\"ann\"]'", "strata kv list '[\"users\"]'", "strata kv export > backup.jsonl"];

    public string Notes =>
        """
        A key is a JSON array, as in Deno: ["users","ann"], ["count",1]. A number is a JavaScript number; write a big integer
        as {"int":"1"} and bytes as {"bytes":"6869"}. Databases live in the data folder, each made by the first set;
        --db names another one, or an address: sqlite:./app.db, https://kv.example/app.
        """;
}
