using System.Globalization;

namespace Strata.Workload;

/// <summary>Reads back what writers wrote, every byte of it.</summary>
internal static class StoreReader
{
    public const string ContentName = "content", RevisionName = "revision";

    /// <summary>What a writer's keys hold.</summary>
    /// <param name="store">The store.</param>
    /// <param name="script">What was written.</param>
    /// <param name="writer">Whose keys.</param>
    /// <param name="mayLoseFiles">The bytes of large blobs may be damaged, if the store says so.</param>
    /// <exception cref="InvalidDataException">What is read was never written.</exception>
    public static async Task<Held[]> ReadAsync(IBlobStore store, Script script, int writer, bool mayLoseFiles = false)
    {
        var held = new Held[script.KeysPerWriter];
        for (int key = 0; key < held.Length; key++)
        {
            BlobKey name = Script.KeyOf(writer, key);
            if (await store.StatAsync(name) is not { } info) continue;
            held[key] = new Held(NumberIn(info, ContentName), NumberIn(info, RevisionName));
            long content = held[key].Content;
            if (script.StepOf(writer, content) is not { Kind: StepKind.Put or StepKind.Compose } step || step.Key != key || step.Length != info.Length)
                throw new InvalidDataException($"'{name}' says that step {content} wrote its {info.Length} bytes, which that step did not");
            try
            {
                byte[] bytes = await store.GetBytesAsync(name) ?? throw new InvalidDataException($"'{name}' is there, and is not read");
                if (!bytes.AsSpan().SequenceEqual(script.ContentOf(writer, content))) throw new InvalidDataException($"'{name}' has other bytes than step {content} wrote");
            }
            catch (StorageException e) when (mayLoseFiles && e.Kind == StorageErrorKind.Corrupt && script.IsInFiles(writer, content))
            {
                // It was not yet on the medium, and nobody is given wrong bytes for it.
            }
        }

        return held;
    }

    private static long NumberIn(BlobInfo info, string name) =>
        info.Metadata.TryGetValue(name, out string? text) && long.TryParse(text, CultureInfo.InvariantCulture, out long number)
            ? number
            : throw new InvalidDataException($"'{info.Key}' has lost its metadata '{name}'");
}
