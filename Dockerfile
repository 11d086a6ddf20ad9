# prefgrad on a CPU, with everything that its verbs need except models and data.
#
#   docker build --tag prefgrad .
#   docker run --rm --volume prefgrad:/data prefgrad compare \
#     --model org/name --data org/pairs:train --loss dpo,kto,orpo --out /data/out
#
# The volume keeps results, downloads and the reference's log-probabilities. A
# folder of yours in its place, --volume "$PWD/data:/data", must be writable by
# the image's user deno. HF_TOKEN and the Hub's other variables are passed on
# with --env.
FROM denoland/deno:2.9.6

# Results and caches; the folder of the code, as relative paths begin there.
RUN mkdir /app /data && chown deno:deno /app /data
VOLUME /data
ENV XDG_CACHE_HOME=/data/cache HF_HOME=/data/huggingface

USER deno
WORKDIR /app

# Packages change less often than code.
COPY --chown=deno:deno deno.json deno.lock ./
RUN deno install --frozen

COPY --chown=deno:deno lib lib
COPY --chown=deno:deno experiments experiments
COPY --chown=deno:deno results results
COPY --chown=deno:deno scripts scripts
RUN deno cache --frozen scripts/*.ts

# tini, of the image, passes on the signal to stop, and a run saves a checkpoint.
ENTRYPOINT ["/tini", "--", "deno", "task"]
