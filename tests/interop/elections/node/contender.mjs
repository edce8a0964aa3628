// A contender on the official JavaScript client, which has typed leases but no elector: the loop below is the plain one that
// its users write, by the rules of client-go. ../README.md tells what it reads and prints.

import { ApiException, CoordinationV1Api, KubeConfig, V1MicroTime } from '@kubernetes/client-node';

const [namespace, name, identity] = process.argv.slice(2);
const milliseconds = (variable) => Number(process.env[variable]) * 1000;
const DURATION = milliseconds('LEASE_SECONDS');
const DEADLINE = milliseconds('DEADLINE_SECONDS');
const RETRY = milliseconds('RETRY_SECONDS');

const config = new KubeConfig();
config.loadFromDefault();
const leases = config.makeApiClient(CoordinationV1Api);

let seen = { record: '', since: 0 };
let renewed = null; // when the last renewal was sent, while leading
let stopping = false;

// Since this process began, never the calendar.
const now = () => performance.now();
const holds = (lease) => lease.spec?.holderIdentity === identity;
const micro = () => new V1MicroTime();

async function read() {
    try {
        return await leases.readNamespacedLease({ name, namespace });
    } catch (error) {
        if (error instanceof ApiException && error.code === 404) return null;
        throw error;
    }
}

function note(lease) {
    const record = JSON.stringify(lease.spec ?? {});
    if (record !== seen.record) seen = { record, since: now() };
}

function isFree(lease) {
    if (!lease.spec?.holderIdentity) return true;
    return now() > seen.since + (lease.spec.leaseDurationSeconds ?? 0) * 1000;
}

/** Takes, keeps or creates the lease; says whether it is ours. */
async function takeOrRenew() {
    const sent = now();
    const lease = await read();
    const mine = { holderIdentity: identity, leaseDurationSeconds: DURATION / 1000, renewTime: micro() };
    if (lease === null) {
        const spec = { ...mine, acquireTime: micro(), leaseTransitions: 0 };
        await leases.createNamespacedLease({ namespace, body: { metadata: { name }, spec } });
    } else {
        note(lease);
        if (!holds(lease) && !isFree(lease)) return false;
        const transitions = lease.spec?.leaseTransitions ?? 0;
        const term = holds(lease)
            ? { acquireTime: lease.spec.acquireTime, leaseTransitions: transitions }
            : { acquireTime: micro(), leaseTransitions: transitions + 1 };
        await leases.replaceNamespacedLease({ name, namespace, body: { ...lease, spec: { ...mine, ...term } } });
    }
    if (renewed === null) console.log('leads');
    renewed = sent;
    return true;
}

async function release() {
    const lease = await read();
    if (lease === null || !holds(lease)) return;
    const { leaseTransitions } = lease.spec;
    const spec = { holderIdentity: '', leaseDurationSeconds: 1, leaseTransitions, acquireTime: micro(), renewTime: micro() };
    await leases.replaceNamespacedLease({ name, namespace, body: { ...lease, spec } });
}

/** Another's write came first, or there was no answer: the next try reads again. */
function complain(error) {
    console.error(error.message);
    return false;
}

process.on('SIGTERM', () => { stopping = true; });
while (!stopping) {
    const ours = await takeOrRenew().catch(complain);
    if (!ours && renewed !== null && now() > renewed + DEADLINE) break;
    await new Promise((resolve) => setTimeout(resolve, RETRY));
}
if (renewed !== null) {
    console.log('stopped');
    await release().catch(() => {});
}
