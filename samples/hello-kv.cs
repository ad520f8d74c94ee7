#:project ../src/Strata/Strata.csproj
#:property PublishAot=false

// An ordered database in a folder: typed values under tuples, an atomic write, a queue.
//
//     dotnet run samples/hello-kv.cs
using System.Text;
using Strata;

string folder = Path.Combine(Path.GetTempPath(), "strata-hello-kv");
await using IKvDatabase database = await new StoreUrlRegistry().OpenKvAsync(folder);
var kv = new Kv(database);

await kv.SetAsync(["users", "ann", "name"], "Ann");
await kv.SetAsync(["users", "ann", "seen"], true, expiresIn: TimeSpan.FromDays(1));

// Both accounts change, or neither; and not if somebody was here in between.
await kv.SetAsync(["balance", "ann"], 100.0);
await kv.SetAsync(["balance", "bob"], 0.0);
KvEntry<double> ann = (await kv.GetAsync<double>(["balance", "ann"]))!, bob = (await kv.GetAsync<double>(["balance", "bob"]))!;
CommitResult moved = await kv.Atomic()
    .Check(ann).Check(bob)
    .Set(["balance", "ann"], ann.Value - 10).Set(["balance", "bob"], bob.Value + 10)
    .Sum(["transfers"], 1)
    .CommitAsync();
Console.WriteLine($"committed: {moved.IsCommitted}, at {moved.Versionstamp}");

await foreach (KvEntry<double> entry in kv.ListAsync<double>(KvSelector.Prefix(["balance"]))) Console.WriteLine($"{entry.Key} = {entry.Value}");

// A message is delivered at least once: what its handler does not finish is delivered again.
var mails = new KvQueue(database, "mails");
await mails.EnqueueAsync(KvValue.OfBytes(Encoding.UTF8.GetBytes("welcome, Ann")));
using var done = new CancellationTokenSource();
await mails.ListenAsync(
    async (message, _) =>
    {
        Console.WriteLine(Encoding.UTF8.GetString(message.Value.Data.Span));
        await done.CancelAsync();
    },
    cancellationToken: done.Token);
